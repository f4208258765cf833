"""Convolutional heads of pixels: a committee of small networks, trained from scratch step by step."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import nn

from alcore.heads.augment import Batch, move, random_affine, recolour
from alcore.heads.base import IGNORE_LABEL, DenseHead
from alcore.heads.committee import Training, train_together
from alcore.heads.decoder import Decoder
from alcore.heads.files import join_members, read_head, split_members, write_head
from alcore.heads.inputs import (
    check_counted,
    check_features,
    check_inputs,
    check_temperature,
    check_training,
    counted_weights,
    standardise_images,
)
from alcore.heads.losses import pixel_loss
from alcore.heads.precision import fast_autocast
from alcore.heads.unet import ImageUNet
from alcore.types import Progress

Network = Literal["decoder", "unet"]
"""A small U-Net on frozen features and image, or one on the image alone."""
BATCH_SIZE = 12
PEAK_RATE = 4e-3
KINDS: dict[str, Network] = {"segmentation-decoder": "decoder", "segmentation-unet": "unet"}
"""What the file of each says that it holds."""
_CHUNK = 16


@dataclass(frozen=True, kw_only=True)
class SegmentationHead:
    """See `DenseHead`."""

    members: tuple[nn.Module, ...]
    n_classes: int
    feature_mean: Float[torch.Tensor, " c"]
    feature_std: Float[torch.Tensor, " c"]
    network: Network = "decoder"
    temperature: float = 1.0

    def predict(
        self, dense: Float[np.ndarray, "n c hd wd"], images_rgb: UInt8[np.ndarray, "n side side 3"]
    ) -> Float[np.ndarray, "s n k side side"]:
        """See `DenseHead.predict`."""
        check_inputs(dense, images_rgb)
        check_features(dense, len(self.feature_mean))
        n, side = images_rgb.shape[:2]
        result = np.empty((len(self.members), n, self.n_classes, side, side), dtype=np.float32)
        for start in range(0, n, _CHUNK):
            rows = slice(start, start + _CHUNK)
            features = self._standardise(torch.from_numpy(dense[rows]))
            images = standardise_images(torch.from_numpy(images_rgb[rows]))
            for member, network in enumerate(self.members):
                with torch.inference_mode(), fast_autocast():
                    logits = network(features, images).float() / self.temperature
                    result[member, rows] = logits.softmax(dim=1).numpy()
        return result

    def member(self, *rows: int) -> DenseHead:
        """See `DenseHead.member`."""
        return replace(self, members=tuple(self.members[row] for row in rows))

    def tempered(self, temperature: float) -> DenseHead:
        """See `DenseHead.tempered`."""
        return replace(self, temperature=check_temperature(temperature))

    def save(self, path: Path) -> None:
        """See `DenseHead.save`."""
        tensors = join_members([member.state_dict() for member in self.members])
        tensors |= {"feature_mean": self.feature_mean, "feature_std": self.feature_std}
        description = {
            "kind": f"segmentation-{self.network}",
            "n_classes": self.n_classes,
            "n_members": len(self.members),
            "temperature": self.temperature,
        }
        write_head(path, tensors, description)

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
    folds: Sequence[Int[np.ndarray, "_"]] | None = None,
    steps: int | None = None,
    network: Network = "decoder",
    progress: Progress | None = None,
) -> SegmentationHead:
    """Train a committee of small networks from scratch.

    Args:
        dense: the encoder's dense maps of the labeled images.
        images_rgb: the same images squashed to a square whose side is a multiple of 32, usually `HEAD_SIDE`.
        targets: label ids below `n_classes`, 0 = background; pixels of id 255 are ignored.
        n_classes: number of ids, background included.
        weights: how much each pixel counts, >= 0; all 1 by default.
        seed: the same seed and data give the same head on one machine.
        n_members: networks in the committee; they differ in their first weights and in the order of the images.
        folds: rows to leave out, one fold a member, which sets their number: member i is trained on all but
            `folds[i]`, so it can be measured there, and members differ in what they saw, too.
        steps: optimiser steps a member; by default chosen from the number of images.
        network: `decoder`, or `unet`, which does not look at the features: a baseline to measure them by.
        progress: called after each step with (done, total); what it raises stops the training.

    Returns:
        The trained head.

    Raises:
        InvalidInput: shapes do not match, an id is not allowed, or no pixel counts (of what a member may see).
        Cancelled: raised by `progress`.

    Source: members that leave a fold out are the ensemble of nnU-Net (Isensee et al. 2021,
    doi:10.1038/s41592-020-01008-z).
    """
    check_training(dense, images_rgb, targets, n_classes, weights)
    counts = counted_weights(targets, weights)
    left_out = [np.empty(0, dtype=np.int64)] * n_members if folds is None else folds
    seen = [np.setdiff1d(np.arange(len(dense)), fold) for fold in left_out]
    for rows in seen:
        check_counted(counts[rows])
    features = torch.from_numpy(dense).float()
    mean, std = features.mean((0, 2, 3)), features.std((0, 2, 3)).clamp(min=1e-3)
    data = Batch(
        features=(features - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1),
        images=standardise_images(torch.from_numpy(images_rgb)),
        targets=torch.from_numpy(np.where(targets == IGNORE_LABEL, 0, targets)).long(),
        weights=torch.from_numpy(counts),
    )
    steps = steps or default_steps(len(dense))
    trainings = [
        _member_training(data, rows, n_classes, network=network, seed=seed * 1009 + member, steps=steps)
        for member, rows in enumerate(seen)
    ]
    members = train_together(trainings, n_steps=len(seen) * steps, progress=progress)
    return SegmentationHead(members=members, n_classes=n_classes, feature_mean=mean, feature_std=std, network=network)


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
    tensors, description = read_head(path, *KINDS)
    network = KINDS[description["kind"]]
    n_classes, n_features = int(description["n_classes"]), len(tensors["feature_mean"])
    members = tuple(_new_member(network, n_features, n_classes).eval() for _ in range(int(description["n_members"])))
    split_members(tensors, members, path)
    return SegmentationHead(
        members=members,
        n_classes=n_classes,
        feature_mean=tensors["feature_mean"],
        feature_std=tensors["feature_std"],
        network=network,
        temperature=float(description.get("temperature", 1.0)),  # heads of earlier releases have none
    )


def _new_member(network: Network, n_features: int, n_classes: int) -> nn.Module:
    made = Decoder(n_features, n_classes) if network == "decoder" else ImageUNet(n_classes)
    return made.to(memory_format=torch.channels_last)


def _member_training(
    data: Batch,
    seen: np.ndarray,
    n_classes: int,
    *,
    network: Network,
    seed: int,
    steps: int,
) -> Training:
    """How one network is trained on some rows, with AdamW and a one-cycle rate."""
    with torch.random.fork_rng(devices=[]):  # first weights are drawn from the global generator
        torch.manual_seed(seed)
        member = _new_member(network, data.features.shape[1], n_classes).train()

    def train(tick: Callable[[], None]) -> nn.Module:
        generator = torch.Generator().manual_seed(seed + 1)
        optimiser = torch.optim.AdamW(member.parameters(), lr=PEAK_RATE, weight_decay=1e-2, fused=True)
        order: list[int] = []
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = PEAK_RATE * _rate(step, steps)
            while len(order) < BATCH_SIZE:
                order += seen[torch.randperm(len(seen), generator=generator).numpy()].tolist()
            rows, order = order[:BATCH_SIZE], order[BATCH_SIZE:]
            batch = _draw(data, rows, generator)
            with fast_autocast():
                logits = member(batch.features, batch.images)
            loss = pixel_loss(logits.float(), batch.targets, batch.weights)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            tick()
        return member.eval()

    return train


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
