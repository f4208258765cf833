"""Time a promptable model's embed and predict against floors measured in the same run; prints Markdown.

`python benchmarks/clicks.py [--segmenter builtin] [--repeats 15] [--threads N]`

Floors, least possible work: for embed one NumPy pass that scales the image's bytes to floats, and for the built-in
model also its bare encoder on one window; for predict its bare decoder on one window and one resize of 128 x 128
logits to the image. (Not called prompts.py: a script's folder comes first on the path, and would hide the package.)
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from prompts.builtin.engine import preferred_dtype
from prompts.builtin.model import IMAGE_CHANNELS, PROMPT_CHANNELS, WINDOW_PX, PromptableNet
from prompts.registry import load_predictor
from prompts.simulate import first_click, next_click, tight_box
from prompts.types import Prompt

SIZES = ((256, 256), (400, 640), (768, 1024), (1536, 2048))


def times_ms(function: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return median and 95th percentile after one call that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times)), float(np.percentile(times, 95))


def drawn(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a noisy image with one bright disc off the centre, and the disc."""
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:height, :width]
    disc = (rows - 0.3 * height) ** 2 + (cols - 0.6 * width) ** 2 < (0.12 * height) ** 2
    image = np.clip(60 + 90 * disc[..., None] + rng.normal(0, 20, (height, width, 3)), 0, 255)
    return image.astype(np.uint8), disc


def bare_network(repeats: int) -> tuple[float, float]:
    """Return ms of the encoder and of the decoder on one window, weights random, type and layout as shipped."""
    dtype = preferred_dtype()
    net = PromptableNet(folded=True).to(memory_format=torch.channels_last).to(dtype).eval()
    net.decoder.iou.float()
    image = torch.zeros(1, IMAGE_CHANNELS, WINDOW_PX, WINDOW_PX, dtype=dtype).contiguous(
        memory_format=torch.channels_last
    )
    maps = torch.zeros(1, PROMPT_CHANNELS, 128, 128, dtype=dtype).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        features = net.encode(image)
        encode, _ = times_ms(lambda: net.encode(image), repeats)
        decode, _ = times_ms(lambda: net.decode(features, maps), repeats)
    return encode, decode


def resize_floor(height: int, width: int, repeats: int) -> float:
    logits = torch.zeros(1, 1, 128, 128)
    resized = times_ms(
        lambda: F.interpolate(logits, (height, width), mode="bilinear", align_corners=False) > 0, repeats
    )
    return resized[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--segmenter", default="builtin")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    predictor = load_predictor(options.segmenter)
    print(f"{predictor.model_id}, {options.threads} threads, median of {options.repeats} (p95 in brackets), ms\n")
    builtin = options.segmenter == "builtin"
    encode_ms, decode_ms = bare_network(options.repeats) if builtin else (float("nan"), float("nan"))
    print("| image | embed | NumPy pass | bare encoder | first click | 2nd click | box | bare decoder | resize |")
    print("|---|---|---|---|---|---|---|---|---|")
    for height, width in SIZES:
        image, disc = drawn(height, width)
        embed = times_ms(lambda image=image: predictor.embed(image), options.repeats)
        numpy_pass, _ = times_ms(lambda image=image: image.astype(np.float32) / 255, options.repeats)
        state = predictor.embed(image)
        one = Prompt(points=(first_click(disc),))
        first = predictor.predict(state, one)
        more = next_click(disc, first.mask, one.points) or one.points[0]
        two = Prompt(points=(*one.points, more), low_res_logits=first.low_res_logits[first.chosen])
        box = Prompt(box=tight_box(disc))
        predicts = [
            times_ms(lambda prompt=prompt, state=state: predictor.predict(state, prompt), options.repeats)
            for prompt in (one, two, box)
        ]
        cells = [
            f"{width} x {height}",
            f"{embed[0]:.1f} ({embed[1]:.1f})",
            f"{numpy_pass:.1f}",
            f"{encode_ms:.1f}",
            *(f"{p50:.1f} ({p95:.1f})" for p50, p95 in predicts),
            f"{decode_ms:.1f}",
            f"{resize_floor(height, width, options.repeats):.1f}",
        ]
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
