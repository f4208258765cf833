"""Loads one model, runs it on a drawn image and says what that costs here; in a process of its own, so that its peak
memory is its own and a model that is too large for the machine takes nothing else with it.

`python -m app.check_model KIND SPEC` prints one line of JSON.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from app.catalogue import Kind
from app.commands.output import known_errors, one_line

if TYPE_CHECKING:
    from jaxtyping import Bool, UInt8

_SIZE = (360, 480)
_CENTRE, _RADIUS = (150, 300), 70


@dataclass(frozen=True, kw_only=True)
class Check:
    """What became of one model."""

    spec: str
    kind: Kind
    error: str | None = None
    model_id: str | None = None
    load_s: float | None = None
    """With libraries and a first run, which is always slower."""
    embed_s: float | None = None
    """One image; of a segmenter and of an encoder alike."""
    predict_s: float | None = None
    """A second click; None for an encoder."""
    peak_mb: float | None = None
    """Most memory that the process took, libraries included; None where the system does not tell."""
    result: str | None = None


def drawn_image() -> "tuple[UInt8[np.ndarray, 'h w 3'], Bool[np.ndarray, 'h w']]":
    """A bright disc on a dark ground, off the middle, with some noise; and the disc."""
    rows, cols = np.mgrid[: _SIZE[0], : _SIZE[1]]
    disc = (rows - _CENTRE[0]) ** 2 + (cols - _CENTRE[1]) ** 2 < _RADIUS**2
    noise = np.random.default_rng(0).integers(0, 40, _SIZE)
    return np.repeat((np.where(disc, 190, 50) + noise).astype(np.uint8)[..., None], 3, axis=2), disc


def check_here(kind: Kind, spec: str) -> Check:
    """Load and run a model in this process; a failure is told, not raised."""
    try:
        return _check_segmenter(spec) if kind == "segmenter" else _check_encoder(spec)
    except known_errors() as error:
        return Check(spec=spec, kind=kind, error=one_line(error))


def _check_segmenter(spec: str) -> Check:
    """A click into the disc, and a second one beside it."""
    from prompts.overlap import dice
    from prompts.registry import load_predictor
    from prompts.types import Point, Prompt

    (image, disc), started = drawn_image(), time.perf_counter()
    model = load_predictor(spec)
    model.embed(image)
    loaded = time.perf_counter()
    state = model.embed(image)
    embedded = time.perf_counter()
    inside = Point(_CENTRE[1] + 0.5, _CENTRE[0] + 0.5)
    first = model.predict(state, Prompt(points=(inside,)))
    clicked = time.perf_counter()
    fed = first.low_res_logits[first.chosen]
    second = model.predict(state, Prompt(points=(inside, Point(20.0, 20.0, 0)), low_res_logits=fed))
    done = time.perf_counter()
    return Check(
        spec=spec, kind="segmenter", model_id=model.model_id, load_s=loaded - started, embed_s=embedded - loaded,
        predict_s=done - clicked, peak_mb=_peak_mb(),
        result=f"Dice {dice(second.mask, disc):.2f} on a drawn disc after two clicks",
    )  # fmt: skip


def _check_encoder(spec: str) -> Check:
    """One image into a vector and a map."""
    from alcore.encoders import load_encoder

    (image, _), started = drawn_image(), time.perf_counter()
    encoder = load_encoder(spec)
    encoder.encode([image])
    loaded = time.perf_counter()
    encoding = encoder.encode([image])
    done = time.perf_counter()
    if not (np.isfinite(encoding.vectors).all() and np.isfinite(encoding.dense).all()):
        raise ValueError("the encoder gives NaN or infinity for a plain image; its weights are damaged")
    channels, height, width = encoder.dense_shape
    return Check(
        spec=spec, kind="encoder", model_id=encoder.encoder_id, load_s=loaded - started, embed_s=done - loaded,
        peak_mb=_peak_mb(), result=f"vector of {encoder.dim}, map of {channels} x {height} x {width}",
    )  # fmt: skip


def check_apart(kind: Kind, spec: str) -> Check:
    """Load and run a model in a fresh process, off the network; a failure is told, not raised."""
    done = subprocess.run(
        [sys.executable, "-m", "app.check_model", kind, spec],
        env=os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        killed = f"stopped by signal {-done.returncode}, which too little memory can cause"
        return Check(spec=spec, kind=kind, error=killed if done.returncode < 0 else last[:300])
    return Check(**json.loads(lines[-1]))


def _peak_mb() -> float | None:
    """Most memory that this process has taken so far."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1024


def main(arguments: list[str]) -> int:
    """Check one model and print the outcome."""
    print(json.dumps(asdict(check_here("segmenter" if arguments[0] == "segmenter" else "encoder", arguments[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
