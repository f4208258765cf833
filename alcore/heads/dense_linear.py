"""Pixelwise logistic regression on frozen dense features and a few image channels: fitted in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch.nn import functional

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
    standardise_images,
)
from alcore.heads.maps import N_COARSE, N_FINE, image_maps, project, read_at
from alcore.types import Progress

PIXELS_PER_IMAGE = 500
RIDGE = 0.02
"""Penalty on the squared weights of standardised features, divided by the number of images."""
PRIOR_POWER = 0.5
"""Classes weigh as their share of the pixels to this power: 1 would be honest and miss what is small, 0 find it
everywhere."""
MAX_ITERATIONS = 40
ABSENT_BIAS = -30.0
"""Logit of a class that no label shows."""
KIND = "segmentation-dense-linear"
_CHUNK = 16


@dataclass(frozen=True, kw_only=True)
class DenseLinearHead:
    """See `DenseHead`."""

    weights: Float[torch.Tensor, "s k c"]
    """Of the features as they come: dense maps first, then the fine and the coarse image channels."""
    bias: Float[torch.Tensor, "s k"]
    temperature: float = 1.0

    def predict(
        self, dense: Float[np.ndarray, "n c hd wd"], images_rgb: UInt8[np.ndarray, "n side side 3"]
    ) -> Float[np.ndarray, "s n k side side"]:
        """See `DenseHead.predict`; O(c·hd·wd + s·k·side²) an image."""
        check_inputs(dense, images_rgb)
        check_features(dense, self.weights.shape[2] - N_FINE - N_COARSE)
        n_members, n_classes, _ = self.weights.shape
        n, side = images_rgb.shape[:2]
        result = np.empty((n_members, n, n_classes, side, side), dtype=np.float32)
        for start in range(0, n, _CHUNK):
            rows = slice(start, start + _CHUNK)
            with torch.inference_mode():
                images = standardise_images(torch.from_numpy(images_rgb[rows]))
                maps = [torch.from_numpy(dense[rows]).float(), *image_maps(images)]
                logits = project(maps, self.weights.flatten(0, 1), self.bias.flatten(), side) / self.temperature
                odds = logits.view(-1, n_members, n_classes, side, side).softmax(dim=2)
            result[:, rows] = odds.transpose(0, 1).numpy()
        return result

    def member(self, *rows: int) -> DenseHead:
        """See `DenseHead.member`."""
        return replace(self, weights=self.weights[list(rows)], bias=self.bias[list(rows)])

    def tempered(self, temperature: float) -> DenseHead:
        """See `DenseHead.tempered`."""
        return replace(self, temperature=check_temperature(temperature))

    def save(self, path: Path) -> None:
        """See `DenseHead.save`."""
        tensors = {"weights": self.weights, "bias": self.bias}
        write_head(path, tensors, {"kind": KIND, "temperature": self.temperature})


def train_dense_linear(
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
) -> DenseLinearHead:
    """Fit a committee of ridge-penalised multinomial logistic regressions of pixels.

    The arguments are those of `train_segmentation_head`, but: without `folds` each member sees a bootstrap sample of
    the images, and `progress` is called after each member.

    Returns:
        The trained head.

    Raises:
        InvalidInput: shapes do not match, an id is not allowed, or no pixel counts (of what a member may see).
        Cancelled: raised by `progress`.

    Source: ridge-penalised softmax regression by L-BFGS, preconditioned by its curvature at zero; pixel classification
    as in ilastik (Berg et al. 2019, doi:10.1038/s41592-019-0582-9), with an encoder's features in place of most
    filters and a linear model in place of the forest. From each image at most `PIXELS_PER_IMAGE` are drawn, as many of
    each class that it shows, and weighed back to the class's area; areas then count by their root (`PRIOR_POWER`).
    O(p·c·(c + iterations·k)) a member for p pixels.
    """
    check_training(dense, images_rgb, targets, n_classes, weights)
    counts = counted_weights(targets, weights)
    seen = shares(len(dense), folds, n_members=n_members, seed=seed)
    for share in seen:
        check_counted(counts[share > 0])
    features, labels, areas, owners = _sample(dense, images_rgb, targets, counts, np.random.default_rng(seed))
    mean, std = features.mean(0), features.std(0, correction=0).clamp(min=1e-3)
    features = (features - mean) / std
    found = []
    for done, share in enumerate(seen, start=1):
        importance = areas * torch.from_numpy(share).float()[owners]
        found.append(_fit(features, labels, importance, n_classes, ridge=RIDGE / np.count_nonzero(share)))
        if progress is not None:
            progress(done, len(seen))
    scaled = torch.stack([w for w, _ in found]) / std
    return DenseLinearHead(weights=scaled, bias=torch.stack([b for _, b in found]) - scaled @ mean)


def load_dense_linear(path: Path) -> DenseLinearHead:
    """Read a head that `save` wrote.

    Raises:
        ModelFileError: the file is missing, truncated or holds something else.
    """
    tensors, description = read_head(path, KIND)
    return DenseLinearHead(
        weights=tensors["weights"], bias=tensors["bias"], temperature=float(description["temperature"])
    )


def _sample(
    dense: np.ndarray, images_rgb: np.ndarray, targets: np.ndarray, counts: np.ndarray, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features (p, c), labels, areas that they stand for and image rows of drawn pixels."""
    side = images_rgb.shape[1]
    parts: list[tuple[torch.Tensor, ...]] = []
    for row in range(len(dense)):
        labels, weights = targets[row].ravel(), counts[row].ravel()
        shown = np.unique(labels[weights > 0])
        maps = [
            torch.from_numpy(dense[row : row + 1]).float(),
            *image_maps(standardise_images(torch.from_numpy(images_rgb[row : row + 1]))),
        ]
        for label in shown:
            pixels = np.flatnonzero((labels == label) & (weights > 0))
            drawn = rng.choice(pixels, size=min(len(pixels), PIXELS_PER_IMAGE // len(shown)), replace=False)
            area = weights[drawn] * weights[pixels].sum() / weights[drawn].sum()
            parts.append(
                (
                    read_at(maps, 0, torch.from_numpy(drawn), side),
                    torch.full((len(drawn),), int(label)),
                    torch.from_numpy(area),
                    torch.full((len(drawn),), row),
                )
            )
    features, ids, areas, owners = (torch.cat(column) for column in zip(*parts, strict=True))
    return features, ids, areas, owners


def _fit(
    x: torch.Tensor, y: torch.Tensor, areas: torch.Tensor, n_classes: int, *, ridge: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weights (k, c) and bias (k) of one member."""
    kept = areas > 0
    x, y, areas = x[kept], y[kept], areas[kept].float()
    prior = torch.bincount(y, weights=areas, minlength=n_classes)
    present = prior > 0
    weight = areas * (prior / prior.sum()).clamp(min=1e-12)[y] ** (PRIOR_POWER - 1)
    weight = weight / weight.sum()
    place = present.cumsum(0)[y] - 1
    n_present = int(present.sum())
    curvature = (x.T * weight) @ x * (1 / n_present * (1 - 1 / n_present)) + 2 * ridge * torch.eye(x.shape[1])
    # in the coordinates of this root the problem is round where it starts, and few iterations do
    root = torch.linalg.cholesky(curvature)
    turned = torch.linalg.solve_triangular(root, x.T, upper=False).T.contiguous()
    coefficients = torch.zeros(x.shape[1], n_present, requires_grad=True)
    bias = torch.zeros(n_present, requires_grad=True)
    optimiser = torch.optim.LBFGS([coefficients, bias], max_iter=MAX_ITERATIONS, line_search_fn="strong_wolfe")

    def plain() -> torch.Tensor:
        return torch.linalg.solve_triangular(root.T, coefficients, upper=True)

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        loss = (functional.cross_entropy(turned @ coefficients + bias, place, reduction="none") * weight).sum()
        loss = loss + ridge * plain().square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    if n_present > 1:
        optimiser.step(closure)  # type: ignore[no-untyped-call]
    found, offset = torch.zeros(n_classes, x.shape[1]), torch.full((n_classes,), ABSENT_BIAS)
    found[present], offset[present] = plain().detach().T, bias.detach()
    return found, offset
