"""Segmentation head: a committee of small decoders on frozen dense features and the image, trained from scratch."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8

from alcore.errors import InvalidInput
from alcore.heads.augment import Batch, move, random_affine, recolour
from alcore.heads.decoder import Decoder
from alcore.heads.files import join_members, read_head, split_members, write_head
from alcore.heads.losses import PixelLoss, make_pixel_loss
from alcore.heads.precision import fast_autocast
from alcore.types import Progress

HEAD_SIDE = 128
"""Side in pixels to which images and label maps are squashed for the head."""
IGNORE_LABEL = 255
BATCH_SIZE = 12
PEAK_RATE = 4e-3
_KIND = "segmentation-decoder"
_CHUNK = 16


@dataclass(frozen=True, kw_only=True)
class SegmentationHead:
    """A trained committee; give it what it was trained on: dense maps of the same encoder, images squashed alike."""

    members: tuple[Decoder, ...]
    n_classes: int
    feature_mean: Float[torch.Tensor, " c"]
    feature_std: Float[torch.Tensor, " c"]

    def predict(
        self, dense: Float[np.ndarray, "n c hd wd"], images_rgb: UInt8[np.ndarray, "n side side 3"]
    ) -> Float[np.ndarray, "s n k side side"]:
        """Give each member's class probabilities.

        Args:
            dense: the encoder's dense maps.
            images_rgb: the same images, squashed to a square, usually of `HEAD_SIDE`.

        Returns:
            float32 probabilities over the k classes, background first; 4·s·k·side² bytes an image, so pass large pools
            in parts.

        Raises:
            InvalidInput: the arrays do not belong together or to this head.
        """
        _check_inputs(dense, images_rgb)
        if dense.shape[1] != len(self.feature_mean):
            raise InvalidInput(
                f"this head was trained on {len(self.feature_mean)} feature channels; got {dense.shape[1]}: "
                "encode the images with the head's own encoder"
            )
        n, side = images_rgb.shape[:2]
        result = np.empty((len(self.members), n, self.n_classes, side, side), dtype=np.float32)
        for start in range(0, n, _CHUNK):
            rows = slice(start, start + _CHUNK)
            features = self._standardise(torch.from_numpy(dense[rows]))
            images = _standardise_images(torch.from_numpy(images_rgb[rows]))
            for member, decoder in enumerate(self.members):
                with torch.inference_mode(), fast_autocast():
                    result[member, rows] = decoder(features, images).float().softmax(dim=1).numpy()
        return result

    def member(self, i: int) -> "SegmentationHead":
        """The head with one of its decoders alone, such as the one that has not seen a fold."""
        return replace(self, members=(self.members[i],))

    def save(self, path: Path) -> None:
        """Write the head as safetensors with its description, whole or not at all."""
        tensors = join_members([member.state_dict() for member in self.members])
        tensors |= {"feature_mean": self.feature_mean, "feature_std": self.feature_std}
        write_head(path, tensors, {"kind": _KIND, "n_classes": self.n_classes, "n_members": len(self.members)})

    def _standardise(self, dense: torch.Tensor) -> torch.Tensor:
        """Zero mean and unit spread per channel, as on the training set."""
        mean, std = self.feature_mean.view(1, -1, 1, 1), self.feature_std.view(1, -1, 1, 1)
        return ((dense.float() - mean) / std).contiguous(memory_format=torch.channels_last)


def train_segmentation_head(
    dense: Float[np.ndarray, "n c hd wd"],
    images_rgb: UInt8[np.ndarray, "n side side 3"],
    targets: UInt8[np.ndarray, "n side side"],
    n_classes: int,
    *,
    weights: Float[np.ndarray, "n side side"] | None = None,
    seed: int,
    n_members: int = 3,
    folds: Sequence[Int[np.ndarray, " f"]] | None = None,
    steps: int | None = None,
    progress: Progress | None = None,
) -> SegmentationHead:
    """Train a committee of decoders from scratch.

    Args:
        dense: the encoder's dense maps of the labeled images.
        images_rgb: the same images squashed to a square whose side is a multiple of 32, usually `HEAD_SIDE`.
        targets: label ids below `n_classes`, 0 = background; pixels of id 255 are ignored.
        n_classes: number of ids, background included.
        weights: how much each pixel counts, >= 0; all 1 by default.
        seed: the same seed and data give the same head on one machine.
        n_members: decoders in the committee; they differ in their first weights and in the order of the images.
        folds: rows to leave out, one fold a member, which sets their number: member i is trained on all but
            `folds[i]`, so it can be measured there, and members differ in what they saw, too.
        steps: optimiser steps a member; by default chosen from the number of images.
        progress: called after each step with (done, total); what it raises stops the training.

    Returns:
        The trained head.

    Raises:
        InvalidInput: shapes do not match, an id is not allowed, or no pixel counts (of what a member may see).
        Cancelled: raised by `progress`.

    Source: members that leave a fold out are the ensemble of nnU-Net (Isensee et al. 2021,
    doi:10.1038/s41592-020-01008-z).
    """
    _check_training(dense, images_rgb, targets, n_classes, weights)
    left_out = [np.empty(0, dtype=np.int64)] * n_members if folds is None else folds
    seen = [np.setdiff1d(np.arange(len(dense)), fold) for fold in left_out]
    for rows in seen:
        _check_counted(targets[rows], None if weights is None else weights[rows])
    features = torch.from_numpy(dense).float()
    mean, std = features.mean((0, 2, 3)), features.std((0, 2, 3)).clamp(min=1e-3)
    ids, counts = _clean_labels(targets, weights)
    data = Batch(
        features=(features - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1),
        images=_standardise_images(torch.from_numpy(images_rgb)),
        targets=ids,
        weights=counts,
    )
    steps = steps or default_steps(len(dense))
    pixel_loss = make_pixel_loss()
    members = []
    for member, rows in enumerate(seen):

        def tick(done: int, first: int = member * steps) -> None:
            if progress is not None:
                progress(first + done, len(seen) * steps)

        members.append(
            _train_member(data, rows, n_classes, pixel_loss, seed=seed * 1009 + member, steps=steps, tick=tick)
        )
    return SegmentationHead(members=tuple(members), n_classes=n_classes, feature_mean=mean, feature_std=std)


def default_steps(n_images: int) -> int:
    """More images deserve more steps, within bounds that keep a round short."""
    return int(min(300, 120 + n_images))


def load_segmentation_head(path: Path) -> SegmentationHead:
    """Read a head that `save` wrote.

    Args:
        path: the file.

    Returns:
        The head, ready to predict.

    Raises:
        ModelFileError: the file is missing, truncated or holds something else.
    """
    tensors, description = read_head(path, _KIND)
    n_classes, n_features = int(description["n_classes"]), len(tensors["feature_mean"])
    members = tuple(_new_decoder(n_features, n_classes).eval() for _ in range(int(description["n_members"])))
    split_members(tensors, members, path)
    return SegmentationHead(
        members=members, n_classes=n_classes, feature_mean=tensors["feature_mean"], feature_std=tensors["feature_std"]
    )


def _new_decoder(n_features: int, n_classes: int) -> Decoder:
    return Decoder(n_features, n_classes).to(memory_format=torch.channels_last)


def _train_member(
    data: Batch,
    seen: np.ndarray,
    n_classes: int,
    pixel_loss: PixelLoss,
    *,
    seed: int,
    steps: int,
    tick: Callable[[int], None],
) -> Decoder:
    """Train one decoder on some rows, with AdamW and a one-cycle rate."""
    with torch.random.fork_rng(devices=[]):  # first weights and dropout draw from the global generator
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed + 1)
        decoder = _new_decoder(data.features.shape[1], n_classes).train()
        optimiser = torch.optim.AdamW(decoder.parameters(), lr=PEAK_RATE, weight_decay=1e-2)
        order: list[int] = []
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = PEAK_RATE * _rate(step, steps)
            while len(order) < BATCH_SIZE:
                order += seen[torch.randperm(len(seen), generator=generator).numpy()].tolist()
            rows, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
            batch = _draw(data, rows, generator)
            with fast_autocast():
                logits = decoder(batch.features, batch.images)
            loss = pixel_loss(logits.float(), batch.targets, batch.weights)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            tick(step + 1)
    return decoder.eval()


def _draw(data: Batch, rows: list[int], generator: torch.Generator) -> Batch:
    """Take rows, move and recolour them."""
    moved = move(data.take(rows), random_affine(len(rows), generator=generator))
    return Batch(
        features=moved.features.contiguous(memory_format=torch.channels_last),
        images=recolour(moved.images, generator=generator).contiguous(memory_format=torch.channels_last),
        targets=moved.targets,
        weights=moved.weights,
    )


def _rate(step: int, steps: int) -> float:
    """Rise over a tenth of the steps, then half a cosine to nothing."""
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _standardise_images(images_rgb: torch.Tensor) -> torch.Tensor:
    """Channels first, each image with zero mean and unit spread over all its pixels."""
    pixels = images_rgb.permute(0, 3, 1, 2).float()
    mean = pixels.mean((1, 2, 3), keepdim=True)
    std = pixels.std((1, 2, 3), keepdim=True).clamp(min=4.0)
    return ((pixels - mean) / std).contiguous(memory_format=torch.channels_last)


def _clean_labels(targets: np.ndarray, weights: np.ndarray | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Turn ignored pixels into background of weight 0."""
    ids = torch.from_numpy(targets).long()
    counts = torch.ones(ids.shape) if weights is None else torch.from_numpy(weights).float()
    ignored = ids == IGNORE_LABEL
    return ids.masked_fill(ignored, 0), counts.masked_fill(ignored, 0.0)


def _check_inputs(dense: np.ndarray, images_rgb: np.ndarray) -> None:
    """Refuse arrays that do not belong together."""
    side = images_rgb.shape[1] if images_rgb.ndim == 4 else 0
    if images_rgb.dtype != np.uint8 or images_rgb.shape[1:] != (side, side, 3) or side < 32 or side % 32:
        raise InvalidInput(
            f"images_rgb must be (n, side, side, 3) uint8 with side a multiple of 32, such as {HEAD_SIDE}; "
            f"got {images_rgb.shape} {images_rgb.dtype}"
        )
    if dense.ndim != 4 or len(dense) != len(images_rgb):
        raise InvalidInput(f"dense must be ({len(images_rgb)}, c, h, w), one map an image; got {dense.shape}")
    if not np.isfinite(dense).all():
        raise InvalidInput("dense features must be finite; encode the images again")


def _check_training(
    dense: np.ndarray, images_rgb: np.ndarray, targets: np.ndarray, n_classes: int, weights: np.ndarray | None
) -> None:
    """Refuse labels that cannot be learned from."""
    _check_inputs(dense, images_rgb)
    if len(dense) == 0:
        raise InvalidInput("training needs at least one labeled image; got none")
    if n_classes < 2:
        raise InvalidInput(f"n_classes counts the background too and must be >= 2; got {n_classes}")
    if targets.shape != images_rgb.shape[:3] or targets.dtype != np.uint8:
        raise InvalidInput(f"targets must be {images_rgb.shape[:3]} uint8; got {targets.shape} {targets.dtype}")
    unknown = np.setdiff1d(np.unique(targets), [*range(n_classes), IGNORE_LABEL])
    if unknown.size:
        raise InvalidInput(f"targets hold id {unknown[0]}; allowed are 0 .. {n_classes - 1} and {IGNORE_LABEL}")
    if weights is not None and (
        weights.shape != targets.shape or not np.isfinite(weights).all() or (weights < 0).any()
    ):
        raise InvalidInput(f"weights must be finite, >= 0 and of shape {targets.shape}; got {weights.shape}")


def _check_counted(targets: np.ndarray, weights: np.ndarray | None) -> None:
    """Refuse labels none of whose pixels counts."""
    counted = targets != IGNORE_LABEL
    if not (counted if weights is None else counted & (weights > 0)).any():
        raise InvalidInput("every pixel is ignored or has weight 0; accept at least one mask")
