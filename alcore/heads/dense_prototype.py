"""Nearest class prototypes on frozen dense features: for the first few images, where there is little to fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch.nn import functional

from alcore.calibration import fit_temperature
from alcore.heads.base import DenseHead
from alcore.heads.files import read_head, write_head
from alcore.heads.inputs import (
    check_counted,
    check_features,
    check_inputs,
    check_temperature,
    check_training,
    counted_weights,
    shares,
)
from alcore.types import Progress

PROTOTYPES_PER_CLASS = 6
N_ITERATIONS = 20
PURE_SHARE = 0.5
"""A cell of the dense map belongs to the class that holds at least this share of its counted area."""
KIND = "segmentation-dense-prototype"
_CHUNK = 16
_ABSENT = -2.0
"""Similarity of a class without prototypes; a cosine is never below -1."""


@dataclass(frozen=True, kw_only=True)
class DensePrototypeHead:
    """See `DenseHead`."""

    prototypes: Float[torch.Tensor, "s k p c"]
    """Unit vectors; all zero where a class has fewer than p of them."""
    scale: Float[torch.Tensor, " s"]
    """Logits are so many times the cosine."""
    feature_mean: Float[torch.Tensor, " c"]
    feature_std: Float[torch.Tensor, " c"]
    temperature: float = 1.0

    def predict(
        self, dense: Float[np.ndarray, "n c hd wd"], images_rgb: UInt8[np.ndarray, "n side side 3"]
    ) -> Float[np.ndarray, "s n k side side"]:
        """See `DenseHead.predict`; similarities are taken at the dense map's own size and enlarged."""
        check_inputs(dense, images_rgb)
        check_features(dense, len(self.feature_mean))
        n_members, n_classes = self.prototypes.shape[:2]
        n, side = images_rgb.shape[:2]
        result = np.empty((n_members, n, n_classes, side, side), dtype=np.float32)
        for start in range(0, n, _CHUNK):
            rows = slice(start, start + _CHUNK)
            cells = _unit_cells(torch.from_numpy(dense[rows]), self.feature_mean, self.feature_std)
            for member in range(n_members):
                close = _similarity(cells.permute(0, 2, 3, 1), self.prototypes[member]).permute(0, 3, 1, 2)
                large = functional.interpolate(close, size=(side, side), mode="bilinear", align_corners=False)
                result[member, rows] = (large * (self.scale[member] / self.temperature)).softmax(dim=1).numpy()
        return result

    def member(self, *rows: int) -> DenseHead:
        """See `DenseHead.member`."""
        return replace(self, prototypes=self.prototypes[list(rows)], scale=self.scale[list(rows)])

    def tempered(self, temperature: float) -> DenseHead:
        """See `DenseHead.tempered`."""
        return replace(self, temperature=check_temperature(temperature))

    def save(self, path: Path) -> None:
        """See `DenseHead.save`."""
        tensors = {
            "prototypes": self.prototypes,
            "scale": self.scale,
            "feature_mean": self.feature_mean,
            "feature_std": self.feature_std,
        }
        write_head(path, tensors, {"kind": KIND, "temperature": self.temperature})


def train_dense_prototype(
    dense: Float[np.ndarray, "n c hd wd"],
    images_rgb: UInt8[np.ndarray, "n side side 3"],
    targets: UInt8[np.ndarray, "n side side"],
    n_classes: int,
    *,
    weights: Float[np.ndarray, "n side side"] | None = None,
    seed: int,
    n_members: int = 3,
    folds: Sequence[Int[np.ndarray, "_"]] | None = None,
    progress: Progress | None = None,
) -> DensePrototypeHead:
    """Average each class's features around a few centres.

    The arguments are those of `train_segmentation_head`, but: without `folds` each member sees a bootstrap sample of
    the images, and `progress` is called after each member.

    Returns:
        The trained head. A class too small to hold a cell of the dense map has no prototype and is never found.

    Raises:
        InvalidInput: shapes do not match, an id is not allowed, or no pixel counts (of what a member may see).
        Cancelled: raised by `progress`.

    Source: prototypes of masked average pooling with cosine similarity (Wang et al. 2019, PANet, arXiv:1908.06391),
    several a class by spherical k-means as in Yang et al. 2020 (arXiv:2008.03898), here of an encoder that was not
    trained for it; the sharpness of the softmax has the lowest log-loss on the training cells, classes weighing alike.
    O(cells·p·k·c) an iteration.
    """
    check_training(dense, images_rgb, targets, n_classes, weights)
    counts = counted_weights(targets, weights)
    seen = shares(len(dense), folds, n_members=n_members, seed=seed)
    for share in seen:
        check_counted(counts[share > 0])
    features = torch.from_numpy(dense).float()
    mean, std = features.mean((0, 2, 3)), features.std((0, 2, 3)).clamp(min=1e-3)
    cells = _unit_cells(features, mean, std).permute(0, 2, 3, 1)
    areas = _class_areas(targets, counts, n_classes, (dense.shape[2], dense.shape[3]))
    generator = torch.Generator().manual_seed(seed)
    prototypes, scales = [], []
    for done, share in enumerate(seen, start=1):
        part = areas * torch.from_numpy(share).float().view(-1, 1, 1, 1)
        found = torch.stack([_prototypes(cells, part[..., label], generator) for label in range(n_classes)])
        prototypes.append(found)
        scales.append(_sharpness(cells, part, found))
        if progress is not None:
            progress(done, len(seen))
    return DensePrototypeHead(
        prototypes=torch.stack(prototypes), scale=torch.tensor(scales), feature_mean=mean, feature_std=std
    )


def load_dense_prototype(path: Path) -> DensePrototypeHead:
    """Read a head that `save` wrote.

    Raises:
        ModelFileError: the file is missing, truncated or holds something else.
    """
    tensors, description = read_head(path, KIND)
    return DensePrototypeHead(**tensors, temperature=float(description["temperature"]))


def _unit_cells(dense: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Standardised feature vectors of length 1."""
    return functional.normalize((dense.float() - mean.view(1, -1, 1, 1)) / std.view(1, -1, 1, 1), dim=1)


def _class_areas(targets: np.ndarray, counts: np.ndarray, n_classes: int, size: tuple[int, int]) -> torch.Tensor:
    """Counted area (n, hd, wd, k) of each class in each cell; 0 where the class does not hold the cell."""
    planes = [torch.from_numpy(counts * (targets == label)) for label in range(n_classes)]
    areas = functional.adaptive_avg_pool2d(torch.stack(planes, dim=1), size).permute(0, 2, 3, 1)
    return torch.where(areas >= PURE_SHARE * areas.sum(3, keepdim=True), areas, 0.0)


def _prototypes(cells: torch.Tensor, areas: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Spherical k-means (p, c) of the cells of one class, weighed by area; zeros where there are too few cells."""
    kept = areas > 0
    x, weight = cells[kept], areas[kept].unsqueeze(1)
    centres = torch.zeros(PROTOTYPES_PER_CLASS, cells.shape[-1])
    n = min(PROTOTYPES_PER_CLASS, len(x))
    if n == 0:
        return centres
    found = x[torch.randperm(len(x), generator=generator)[:n]]
    for _ in range(N_ITERATIONS):
        nearest = (x @ found.T).argmax(dim=1)
        sums = torch.zeros_like(found).index_add_(0, nearest, x * weight)
        found = torch.where(sums.norm(dim=1, keepdim=True) > 0, functional.normalize(sums, dim=1), found)
    centres[:n] = found
    return centres


def _similarity(cells: torch.Tensor, prototypes: torch.Tensor) -> torch.Tensor:
    """Cosine (..., k) with the nearest prototype of each class."""
    cosines = torch.einsum("...c,kpc->...kp", cells, prototypes)
    return cosines.masked_fill(~prototypes.any(dim=2), _ABSENT).amax(dim=-1)


def _sharpness(cells: torch.Tensor, areas: torch.Tensor, prototypes: torch.Tensor) -> float:
    """How many times the cosine the logits should be, classes weighing alike."""
    labels = areas.argmax(dim=3)
    drawn = []
    for label in range(areas.shape[3]):
        kept = (areas[..., label] > 0) & (labels == label)
        found = cells[kept]
        drawn.append((found[:: max(1, len(found) // 2000)], label))
    close = torch.cat([_similarity(found, prototypes) for found, _ in drawn])
    truth = torch.cat([torch.full((len(found),), label) for found, label in drawn])
    sizes = torch.bincount(truth, minlength=areas.shape[3]).clamp(min=1)
    start = 20.0
    odds = (close * start).softmax(dim=1).double().numpy()
    return start / fit_temperature(odds, truth.numpy(), weights=(1 / sizes[truth]).double().numpy())
