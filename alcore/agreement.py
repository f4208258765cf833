"""How far two readers of one image agree: Dice and surface distance of masks, Cohen's kappa of labels.

Two readers are equals: every number here is the same with the readers exchanged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from jaxtyping import Bool, Int

from alcore.errors import InvalidInput
from alcore.masks import mask_box
from alcore.metrics import dice

Mask = Bool[np.ndarray, "h w"]


@dataclass(frozen=True, kw_only=True)
class ClassAgreement:
    """Two readers on one class of one image. Distances are None where only one of them shows the class."""

    class_id: int
    dice: float
    distance: float | None
    """Mean symmetric surface distance, in the unit of the spacing."""
    hd95: float | None
    """95th percentile of the same distances."""


def compare_classes(
    first: Mapping[int, Mask], second: Mapping[int, Mask], *, spacing: tuple[float, float] = (1.0, 1.0)
) -> list[ClassAgreement]:
    """Compare two readers class by class.

    Args:
        first: the mask of each class, by class id; an empty mask is as good as none.
        second: the other reader's.
        spacing: height and width of a pixel; (1, 1) gives distances in pixels.

    Returns:
        One entry for each class that at least one of them shows, by class id; none where both see only background.
    """
    shown = sorted({class_id for side in (first, second) for class_id, mask in side.items() if mask.any()})
    found = []
    for class_id in shown:
        like = next(side[class_id] for side in (first, second) if class_id in side)
        a, b = (side.get(class_id, np.zeros_like(like)) for side in (first, second))
        mean, far = surface_distances(a, b, spacing=spacing) or (None, None)
        found.append(ClassAgreement(class_id=class_id, dice=dice(a, b), distance=mean, hd95=far))
    return found


def mean_agreement(classes: Sequence[ClassAgreement]) -> tuple[float, float | None]:
    """Return mean Dice and mean surface distance over classes; two empty images agree: Dice 1, distance 0.

    The distance is over the classes that both show, and None where there is no such class.
    """
    if not classes:
        return 1.0, 0.0
    distances = [entry.distance for entry in classes if entry.distance is not None]
    return fmean(entry.dice for entry in classes), fmean(distances) if distances else None


def surface_distances(a: Mask, b: Mask, *, spacing: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float] | None:
    """Return mean and 95th percentile of the distances between two masks' borders; None where a mask is empty.

    From each border pixel of either mask to the nearest border pixel of the other, both directions pooled. A border
    pixel is one of the mask that touches the outside, or the image's edge, with a side.

    Raises:
        InvalidInput: the shapes differ, or a spacing is not above 0.

    Source: Heimann et al. 2009 (IEEE TMI 28(8)), average symmetric surface distance, on pixels. The percentile is of
    the pooled distances, as in medpy; others take the larger of the two directions'. O(h·w) within their common box.
    """
    if a.shape != b.shape:
        raise InvalidInput(f"both masks must have the same shape; got {a.shape} and {b.shape}")
    if not min(spacing) > 0:
        raise InvalidInput(f"spacing must be above 0; got {spacing}")
    box = mask_box(a | b)
    if box is None or not a.any() or not b.any():
        return None
    from scipy import ndimage

    x0, y0, x1, y1 = box
    borders = [m[y0:y1, x0:x1] & ~ndimage.binary_erosion(m[y0:y1, x0:x1]) for m in (a, b)]
    away = [ndimage.distance_transform_edt(~border, sampling=spacing) for border in borders]
    pooled = np.concatenate([away[1][borders[0]], away[0][borders[1]]])
    return float(pooled.mean()), float(np.percentile(pooled, 95))


def match_objects(first: Sequence[Mask], second: Sequence[Mask]) -> list[tuple[int | None, int | None]]:
    """Pair two readers' objects of one class one to one, so that the pairs' Dice sums to the most.

    Returns:
        Pairs of rows, those of `first` in its order, then what `second` alone has; None stands for no partner.
        Objects that share no pixel are no pair.

    Source: the assignment problem, by `scipy.optimize.linear_sum_assignment`.
    """
    from scipy.optimize import linear_sum_assignment

    overlap = np.array([[dice(a, b) if (a & b).any() else 0.0 for b in second] for a in first]).reshape(
        len(first), len(second)
    )
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    partner = {int(i): int(j) for i, j in zip(rows, columns, strict=True) if overlap[i, j] > 0}
    taken = set(partner.values())
    return [(i, partner.get(i)) for i in range(len(first))] + [(None, j) for j in range(len(second)) if j not in taken]


def cohens_kappa(first: Int[np.ndarray, " n"], second: Int[np.ndarray, " n"]) -> float:
    """Return agreement beyond chance: 1 always the same, 0 as often as chance, below 0 less.

    NaN where chance alone would agree always: both readers gave one and the same label throughout.

    Raises:
        InvalidInput: the lengths differ or are 0.

    Source: Cohen 1960 (Educ. Psychol. Meas. 20), unweighted. O(n).
    """
    if first.shape != second.shape or first.size == 0:
        raise InvalidInput(f"need as many labels of both, at least one; got {first.shape} and {second.shape}")
    shares = [[float((side == label).mean()) for side in (first, second)] for label in np.union1d(first, second)]
    chance = sum(a * b for a, b in shares)
    observed = float((first == second).mean())
    return (observed - chance) / (1 - chance) if len(shares) > 1 else float("nan")
