"""What heads learn from boxes and tags: filled boxes, the tightness prior, the click model's masks, exact masks.

`python benchmarks/weak_losses.py [DATASET...] [--head linear|decoder] [--images 30] [--seeds 3] [--few 5]`

The same images for all arms, drawn anew with each seed from those that the click model was never trained on, with and
without objects. Every object of at least 64 pixels has a tight box, each side moved by up to 5 %; `click model` is what
the built-in model makes of it. Tags say which classes an image shows. One head of one kind, the same steps for all, no
augmentation: `linear` is a linear layer on the features of `dense_linear`, `decoder` the network of that name. Test
Dice over 50 other images at 128 pixels a side, mean over the classes that an image shows. Seconds by `alcore.costs`.
"""

import argparse
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from _data import add_data_option
from PIL import Image
from scipy import ndimage
from torch import nn
from torch.nn import functional

from alcore.costs import CostTable
from alcore.encoders import load_encoder
from alcore.encoders.base import squash
from alcore.heads.decoder import Decoder
from alcore.heads.inputs import standardise_images
from alcore.heads.losses import pixel_loss
from alcore.heads.maps import image_maps
from alcore.weak.losses import HeadBox, box_loss, tag_loss
from alcore.weak.targets import IGNORE_LABEL, box_target
from prompts.bench_data import MIN_OBJECT_PX, image_paths, read_rgb
from prompts.builtin.split import is_held_out
from prompts.predictor import Predictor
from prompts.registry import load_predictor
from prompts.simulate import tight_box
from prompts.types import Prompt

N_TEST = 50
TEST_SIDE = 128
BATCH_SIZE = 12
CORE = 0.6
RATE = {"linear": 1e-2, "decoder": 4e-3}
ARMS = (
    "exact masks",
    "click model's masks",
    "filled boxes",
    "ellipses in the boxes",
    "cores of the boxes",
    "tightness prior",
    "cores and tightness prior",
    "tags",
    "few exact masks",
    "few exact masks, tags on the rest",
    "few exact masks, tags at a tenth",
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One image with all that the arms may be told about it, at the head's side."""

    rgb: np.ndarray
    truth: np.ndarray
    """Label ids (h, w)."""
    targets: dict[str, np.ndarray]
    """Label ids (s, s) by arm, 255 where nothing is said."""
    boxes: list[tuple[int, HeadBox]]
    """Class id and box."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """Everything of a set: features of the images to label and to test on."""

    inputs: tuple[torch.Tensor, torch.Tensor]
    test_inputs: tuple[torch.Tensor, torch.Tensor]
    cases: list[Case]
    test: list[Case]
    n_classes: int


def at_side(labels: np.ndarray, side: int, n_classes: int) -> np.ndarray:
    """Label ids of a small square: the class that fills most of a pixel."""
    planes = [Image.fromarray((labels == k).astype(np.float32)) for k in range(n_classes)]
    shares = [np.asarray(plane.resize((side, side), Image.Resampling.BOX)) for plane in planes]
    return np.argmax(shares, axis=0).astype(np.uint8)


def objects_of(labels: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Class id and mask of each connected part that is large enough."""
    found = []
    for class_id in np.unique(labels[labels != 0]).tolist():
        parts, n = ndimage.label(labels == class_id, structure=np.ones((3, 3)))
        masks = [parts == i for i in range(1, n + 1)]
        found += [(class_id, mask) for mask in masks if mask.sum() >= MIN_OBJECT_PX]
    return found


def case_of(folder: Path, stem: str, path: Path, predictor: Predictor | None, side: int, n_classes: int) -> Case:
    """Read and label one image; without a predictor it is one to test on."""
    rgb, truth = read_rgb(path), np.asarray(Image.open(folder / "masks" / f"{stem}.png"))
    if predictor is None:
        return Case(rgb=rgb, truth=truth, targets={}, boxes=[])
    height, width = truth.shape
    state, rng = predictor.embed(rgb), np.random.default_rng([3, zlib.crc32(stem.encode())])
    answered, filled = np.zeros_like(truth), np.zeros((side, side), np.uint8)
    shares, boxes = [], []
    for class_id, mask in sorted(objects_of(truth), key=lambda one: -int(one[1].sum())):
        box = tight_box(mask, jitter=0.05, rng=rng)
        answered[predictor.predict(state, Prompt(box=box)).mask] = class_id
        place = np.array([box.y0 / height, box.y1 / height, box.x0 / width, box.x1 / width]) * side
        r0, c0 = (int(min(np.floor(v + 0.5), side - 1)) for v in place[::2])
        r1, c1 = max(r0 + 1, round(place[1])), max(c0 + 1, round(place[3]))
        filled[r0:r1, c0:c1] = class_id
        shares.append(place)
        boxes.append((class_id, (r0, r1, c0, c1)))
    as_array, ids = np.reshape(np.array(shares, float), (-1, 4)), [class_id for class_id, _ in boxes]
    targets = {
        "exact masks": at_side(truth, side, n_classes),
        "click model's masks": at_side(answered, side, n_classes),
        "filled boxes": filled,
        "ellipses in the boxes": box_target(as_array, ids, side, core=1.0),
        "cores of the boxes": box_target(as_array, ids, side, core=CORE),
    }
    return Case(rgb=rgb, truth=truth, targets=targets, boxes=boxes)


def open_set(folder: Path, head: str, n_pool: int, side: int) -> Lesson:
    """Read, label and encode a set."""
    paths = image_paths(folder)
    names = sorted(paths)
    stems = [names[i] for i in np.random.default_rng(0).permutation(len(names))]
    fresh = [stem for stem in stems if is_held_out(folder.name, stem)][:n_pool]
    others = [stem for stem in stems if stem not in set(fresh) and (_labels(folder, stem) > 0).any()][:N_TEST]
    n_classes = 1 + max(int(_labels(folder, stem).max()) for stem in fresh)
    predictor, encoder = load_predictor("builtin"), load_encoder("builtin")
    cases = [case_of(folder, stem, paths[stem], predictor, side, n_classes) for stem in fresh]
    test = [case_of(folder, stem, paths[stem], None, side, n_classes) for stem in others]
    inputs = []
    for part in (cases, test):
        rgb = [case.rgb for case in part]
        images = standardise_images(torch.from_numpy(squash(rgb, side)))
        inputs.append((torch.from_numpy(encoder.encode(rgb).dense).float(), images))
    if head == "linear":
        inputs = [(pixel_features(*part, side), part[1]) for part in inputs]
    mean, std = inputs[0][0].mean((0, 2, 3), True), inputs[0][0].std((0, 2, 3), keepdim=True).clamp(min=1e-3)
    scaled = [((dense - mean) / std, images) for dense, images in inputs]
    return Lesson(inputs=scaled[0], test_inputs=scaled[1], cases=cases, test=test, n_classes=n_classes)


def _labels(folder: Path, stem: str) -> np.ndarray:
    return np.asarray(Image.open(folder / "masks" / f"{stem}.png"))


def pixel_features(dense: torch.Tensor, images: torch.Tensor, side: int) -> torch.Tensor:
    """What `dense_linear` knows of each pixel (n, c, side, side)."""
    size = (side, side)
    return torch.cat([functional.interpolate(m, size=size, mode="bilinear") for m in (dense, *image_maps(images))], 1)


class Linear(nn.Module):
    """One linear layer for all pixels."""

    def __init__(self, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(n_features, n_classes, 1)
        nn.init.zeros_(self.layer.weight)

    def forward(self, features: torch.Tensor, _images: torch.Tensor) -> torch.Tensor:
        """Give the logits."""
        return self.layer(features)


Loss = Callable[[torch.Tensor, Sequence[Case]], torch.Tensor]


def of_targets(logits: torch.Tensor, cases: Sequence[Case], *, name: str) -> torch.Tensor:
    """The heads' own loss."""
    drawn = torch.from_numpy(np.stack([case.targets[name] for case in cases])).long()
    known = (drawn != IGNORE_LABEL).float()
    return pixel_loss(logits, torch.where(drawn == IGNORE_LABEL, 0, drawn), known)


def of_tightness(logits: torch.Tensor, cases: Sequence[Case]) -> torch.Tensor:
    """The tightness prior of each image and class."""
    odds, losses = logits.softmax(dim=1), []
    for i, case in enumerate(cases):
        for k in range(1, logits.shape[1]):
            losses.append(box_loss(odds[i, k], [box for class_id, box in case.boxes if class_id == k]))
    return torch.stack(losses).mean()


def of_tags(logits: torch.Tensor, cases: Sequence[Case]) -> torch.Tensor:
    """Whether each class is there."""
    classes = range(1, logits.shape[1])
    tags = [[float((case.targets["exact masks"] == k).any()) for k in classes] for case in cases]
    return tag_loss(logits.softmax(dim=1), torch.tensor(tags))


def loss_of(name: str) -> Loss:
    """What an arm asks of the images that it is told about."""
    if name == "tightness prior":
        return of_tightness
    if name == "cores and tightness prior":
        return lambda logits, cases: of_targets(logits, cases, name="cores of the boxes") + of_tightness(logits, cases)
    if name == "tags":
        return of_tags
    return partial(of_targets, name="exact masks" if name.startswith("few") else name)


def value(lesson: Lesson, name: str, rows: Sequence[int], few: int, head: str, steps: int, seed: int) -> float:
    """Train one arm and measure it."""
    told = list(rows[:few] if name.startswith("few") else rows)
    rest = list(rows[few:]) if "tags" in name and name != "tags" else []
    share = 0.1 if name.endswith("tenth") else 1.0
    torch.manual_seed(seed)
    dense, images = lesson.inputs
    model = (Linear if head == "linear" else Decoder)(dense.shape[1], lesson.n_classes).train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE[head], weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE[head], total_steps=steps, pct_start=0.1)
    drawn, loss_of_told = np.random.default_rng(seed), loss_of(name)
    for _ in range(steps):
        picked = drawn.choice(told, size=min(BATCH_SIZE, len(told)), replace=False)
        loss = loss_of_told(model(dense[picked], images[picked]), [lesson.cases[i] for i in picked])
        if rest:
            picked = drawn.choice(rest, size=min(BATCH_SIZE, len(rest)), replace=False)
            loss = loss + share * of_tags(model(dense[picked], images[picked]), [lesson.cases[i] for i in picked])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return tested(model.eval(), lesson)


def tested(model: nn.Module, lesson: Lesson) -> float:
    """Mean Dice over the test images."""
    size = (TEST_SIDE, TEST_SIDE)
    with torch.inference_mode():
        odds = functional.interpolate(model(*lesson.test_inputs), size=size, mode="bilinear").softmax(dim=1)
    values = []
    for found, case in zip(odds.argmax(dim=1).numpy(), lesson.test, strict=True):
        truth = at_side(case.truth, TEST_SIDE, lesson.n_classes)
        shown = [k for k in range(1, lesson.n_classes) if (truth == k).any()]
        each = [2 * ((found == k) & (truth == k)).sum() / ((found == k).sum() + (truth == k).sum()) for k in shown]
        values.append(np.mean(each))
    return float(np.mean(values))


def seconds(lesson: Lesson, name: str, rows: Sequence[int], few: int) -> float:
    """What an annotator needs for an arm."""
    costs = CostTable()
    outlined = [costs.outlined_objects(len(lesson.cases[i].boxes)) or costs.empty_image() for i in rows]
    tagged = [costs.class_label() * (lesson.n_classes - 1)] * len(rows)
    each = costs.prompted_object(n_clicks=0, n_boxes=1)
    boxed = [len(lesson.cases[i].boxes) * each or costs.empty_image() for i in rows]
    if name.startswith("few"):
        return sum(outlined[:few]) + ("tags" in name) * sum(tagged[few:])
    return sum({"exact masks": outlined, "tags": tagged}.get(name, boxed))


def measure(name: str, lesson: Lesson, options: argparse.Namespace) -> None:
    """Print a row for each arm of a set."""
    exact = np.zeros(options.seeds)
    for arm in options.arms:
        found, spent = [], []
        for seed in range(options.seeds):
            rows = np.random.default_rng(seed).permutation(len(lesson.cases))[: options.images].tolist()
            found.append(value(lesson, arm, rows, options.few, options.head, options.steps, seed))
            spent.append(seconds(lesson, arm, rows, options.few))
        values = np.array(found)
        exact = values if arm == "exact masks" else exact
        cells = f"{np.mean(spent):.0f} | {values.mean():.3f} | {', '.join(f'{one:.3f}' for one in values)}"
        print(f"| {name} | {arm} | {cells} | {(values - exact).mean():+.3f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=["us_nerve_usgra", "polyp_endotect"])
    parser.add_argument("--head", choices=RATE, default="linear")
    parser.add_argument("--images", type=int, default=30, help="labeled images")
    parser.add_argument("--few", type=int, default=5, help="of them, so many have exact masks where few do")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--side", type=int, default=64, help="of the head, in pixels")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    add_data_option(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| set | labels | s | test Dice | by seed | against exact |\n{'|---' * 6}|", flush=True)
    for name in options.datasets:
        measure(name, open_set(options.data / name, options.head, 60, options.side), options)


if __name__ == "__main__":
    main()
