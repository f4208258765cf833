"""Fine-tunes a promptable model's decoder on one project's accepted masks; the image encoder stays as it is.

A model that can be adapted gives a `Trainee`: a trainable copy of its decoder behind one frame of `FRAME_PX` pixels, so
that the same simulated annotator prompts all of them. The result is a small file with the decoder's weights alone,
which only the model that it was made from takes back.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from prompts.builtin.frames import LOGITS_PX, WINDOW_PX
from prompts.builtin.training.losses import total_loss
from prompts.builtin.training.prompting import Prompts, play, tight_boxes
from prompts.errors import CheckpointError, InvalidPrompt

FRAME_PX = WINDOW_PX
"""Side of the frame in which prompts are simulated."""
BATCH_SIZE = 8
MAX_EXAMPLES = 400
"""More objects than this are thinned out at random: an adaptation is minutes of work."""
PEAK_RATE = 3e-4
WARM_UP_STEPS = 10
AVERAGE_DECAY = 0.97
MIN_OBJECT_CELLS = 12
_KIND = "fewclick-decoder"


Progress = Callable[[int, int], None]
"""Called with (done, total); it stops the work by raising."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image with the masks that a person accepted in it, one an object."""

    image: UInt8[np.ndarray, "h w 3"]
    masks: Sequence[Bool[np.ndarray, "h w"]]


@dataclass(frozen=True, kw_only=True)
class Example:
    """One object as a decoder sees it."""

    features: tuple[Tensor, ...]
    """What the frozen encoder made of the object's surroundings, with a leading 1; opaque to all but its model."""
    target: Float[Tensor, "t t"]
    """The object in cells of the decoder's own logits."""


@runtime_checkable
class Trainee(Protocol):
    """A trainable copy of a model's decoder."""

    scribble_share: float
    """Share of simulated clicks that go on as strokes; 0 where the model knows no strokes."""

    @property
    def module(self) -> nn.Module:
        """What is trained, in float32."""
        ...

    def examples(self, sample: Sample, rng: np.random.Generator) -> list[Example]:
        """Encode an image once and give its objects, each in a frame that the model might look at."""
        ...

    def decode(self, features: tuple[Tensor, ...], prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Answer n prompts given in the frame: logits (n, 4, t, t), the single answer first, and IoU (n, 4)."""
        ...


@runtime_checkable
class Adaptable(Protocol):
    """A predictor whose decoder can be trained."""

    @property
    def base_id(self) -> str:
        """The model without any adaptation, named alike on every machine."""
        ...

    def trainee(self) -> Trainee:
        """Make a trainable copy of the decoder."""
        ...


def adapt(
    model: Adaptable,
    samples: Sequence[Sample],
    *,
    seed: int,
    steps: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Tensor]:
    """Fine-tune a copy of the model's decoder on accepted masks.

    Args:
        model: stays as it is.
        samples: images with accepted masks.
        seed: of prompts and order; the same seed and samples give the same weights on one machine.
        steps: optimiser steps; by default chosen from the number of objects.
        progress: called with (done, total), with (0, 1) while images are encoded; what it raises stops the work.

    Returns:
        The decoder's weights, for `save_adaptation`.

    Raises:
        InvalidPrompt: no sample holds an object that the model can see.

    Source: prompts as in training (Sofiiuk et al. 2022, arXiv:2102.06583), averaged weights (Polyak & Juditsky 1992);
    training the mask decoder alone follows Ma et al. 2024, MedSAM (doi:10.1038/s41467-024-44824-z), who
    also train the encoder.
    """
    trainee, rng = model.trainee(), np.random.default_rng(seed)
    examples: list[Example] = []
    for sample in samples:
        examples += trainee.examples(sample, rng)
        if progress is not None:
            progress(0, 1)
    if not examples:
        raise InvalidPrompt(f"none of the {len(samples)} images holds an object to learn from; accept some masks first")
    if len(examples) > MAX_EXAMPLES:
        examples = [examples[i] for i in np.sort(rng.permutation(len(examples))[:MAX_EXAMPLES])]
    steps = steps or default_steps(len(examples))
    generator = torch.Generator().manual_seed(seed)
    module = trainee.module.train()
    average = {name: value.detach().clone() for name, value in module.state_dict().items()}
    optimiser = torch.optim.AdamW(module.parameters(), lr=PEAK_RATE, weight_decay=0.0)
    order: list[int] = []
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * _rate(step, steps)
        while len(order) < BATCH_SIZE:
            order += rng.permutation(len(examples)).tolist()
        batch, order = [examples[i] for i in order[:BATCH_SIZE]], order[BATCH_SIZE:]
        loss = _loss(trainee, batch, generator)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimiser.step()
        decay = min(AVERAGE_DECAY, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            average[name].lerp_(value.detach(), 1 - decay)
        if progress is not None:
            progress(step + 1, steps)
    return average


def default_steps(n_examples: int) -> int:
    """More objects deserve more steps, within bounds that keep an adaptation short."""
    return int(min(300, 100 + n_examples))


def _rate(step: int, steps: int) -> float:
    """Rise for a few steps, then half a cosine to nothing."""
    warm = min(1.0, (step + 1) / WARM_UP_STEPS)
    return warm * 0.5 * (1 + math.cos(math.pi * step / steps))


def _loss(trainee: Trainee, batch: Sequence[Example], generator: torch.Generator) -> Tensor:
    """Prompt each object to a random stage, answer once more, and compare."""
    features = tuple(torch.cat(parts) for parts in zip(*(example.features for example in batch), strict=True))
    targets = torch.stack([example.target for example in batch])
    cells = as_cells(targets)

    def answer(prompts: Prompts, rows: Tensor) -> Tensor:
        chosen = Prompts(prompts.points[rows], prompts.n_points[rows], prompts.boxes[rows], prompts.logits[rows])
        logits, _ = trainee.decode(tuple(f[rows] for f in features), chosen)
        return as_cells(logits[:, 0])

    with torch.no_grad():
        prompts = play(answer, cells, _boxes(cells), generator, scribble_share=trainee.scribble_share)
    logits, iou = trainee.decode(features, prompts)
    loss, _ = total_loss(logits, iou, targets, prompts.is_ambiguous)
    return loss


def as_cells(maps: Float[Tensor, "n t t"]) -> Float[Tensor, "n 128 128"]:
    """Bring masks or logits to the size in which prompts are drawn and fed back."""
    if maps.shape[-1] >= LOGITS_PX:
        return F.adaptive_avg_pool2d(maps[:, None], LOGITS_PX)[:, 0]
    return F.interpolate(maps[:, None], LOGITS_PX, mode="bilinear", align_corners=False)[:, 0]


def _boxes(cells: Float[Tensor, "n 128 128"]) -> Float[Tensor, "n 4"]:
    """Box of each object in frame pixels, around the cells that it covers by a quarter, or half as well as any."""
    enough = (0.5 * cells.amax((1, 2), keepdim=True)).clamp(max=0.25)
    return tight_boxes(cells >= enough) * (FRAME_PX / LOGITS_PX)


def save_adaptation(path: Path, weights: Mapping[str, Tensor], *, base_id: str) -> None:
    """Write a decoder's weights in half precision, whole or not at all, with the model that they belong to."""
    part = path.with_name(f".{path.name}.part")
    halves = {name: value.half().contiguous() for name, value in weights.items()}
    save_file(halves, part, metadata={"kind": _KIND, "base_id": base_id})
    part.replace(path)


def read_adaptation(path: Path, *, base_id: str) -> dict[str, Tensor]:
    """Read what `save_adaptation` wrote, for the model of `base_id` alone.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind or made from another model.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"cannot read the adaptation '{path.name}': {error}; adapt again or roll back") from error
    if facts.get("kind") != _KIND:
        raise CheckpointError(
            f"'{path.name}' is no adaptation of a decoder; expected a file that `fewclick adapt` made"
        )
    if facts.get("base_id") != base_id:
        raise CheckpointError(
            f"the adaptation '{path.name}' was made from '{facts.get('base_id')}' and does not fit '{base_id}'; "
            "take that model again, or adapt anew"
        )
    return tensors
