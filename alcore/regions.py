"""Region queries: which patches or superpixels of which images to annotate, within a budget of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64, Int, Int64

from alcore.acquisition.pooling import check_scores, summed_area, superpixel_means
from alcore.errors import InvalidInput

ScoreMaps = Sequence[Float[np.ndarray, "_h _w"]]
SuperpixelMaps = Sequence[Int[np.ndarray, "_h _w"]]
PixelFlags = Sequence[Bool[np.ndarray, "_h _w"]]


@dataclass(frozen=True, kw_only=True)
class RegionCandidates:
    """Regions that could be asked, image by image."""

    rows: Int64[np.ndarray, " r"]
    """Image of each region, never falling."""
    boxes: Int64[np.ndarray, "r 4"]
    """First row, first column, and the row and column behind the last, of each region's bounding box."""
    superpixels: Int64[np.ndarray, " r"] | None
    """Number of each region's superpixel in its image; None where regions are whole boxes."""
    scores: Float64[np.ndarray, " r"]
    """Mean pixel score, higher = ask sooner."""
    areas_px: Int64[np.ndarray, " r"]


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region to annotate."""

    row: int
    """The image."""
    box: tuple[slice, slice]
    """Rows and columns: `image[region.box]` is the region, or what surrounds it."""
    superpixel: int | None
    """Its number, where the region is one superpixel."""
    score: float
    area_px: int
    cost: float
    """In the unit of the budget."""
    reason: str

    def mask(self, superpixels: Int[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
        """Mark the region's pixels; `superpixels` numbers the image's pixels, or only gives its size for a box."""
        if self.superpixel is not None:
            return superpixels == self.superpixel
        marked = np.zeros(superpixels.shape, dtype=np.bool_)
        marked[self.box] = True
        return marked


def patch_candidates(
    score_maps: ScoreMaps, *, size_px: int, stride_px: int | None = None, annotated: PixelFlags | None = None
) -> RegionCandidates:
    """List the square patches of a grid over each image.

    Args:
        score_maps: pixel scores of each image, sizes may differ.
        size_px: side of a patch; patches at the far edges are cut to the image.
        stride_px: distance between patches, at most `size_px`; None sets them side by side.
        annotated: pixels that have labels already; a patch that holds any is left out.

    Raises:
        InvalidInput: a score is not finite, a number out of range, or the sizes of an image's arrays differ.

    Means by summed-area tables, O(pixels) whatever the size.
    """
    stride = size_px if stride_px is None else stride_px
    if not 1 <= stride <= size_px:
        raise InvalidInput(f"need 1 <= stride_px <= size_px; got {stride} and {size_px}")
    parts = []
    for row, (score, done) in enumerate(_paired(score_maps, annotated)):
        height, width = score.shape
        top, left = (_starts(extent, size_px, stride) for extent in (height, width))
        y0, x0 = (axis.ravel() for axis in np.meshgrid(top, left, indexing="ij"))
        boxes = np.stack([y0, x0, np.minimum(y0 + size_px, height), np.minimum(x0 + size_px, width)], axis=1)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        keep = np.ones(len(boxes), dtype=bool) if done is None else box_sums(done.astype(np.float64), boxes) < 0.5
        means = box_sums(score, boxes) / areas
        parts.append((np.full(int(keep.sum()), row), boxes[keep], means[keep], areas[keep]))
    rows, boxes, scores, areas = (np.concatenate(column) for column in zip(*parts, strict=True))
    return RegionCandidates(rows=rows, boxes=boxes, superpixels=None, scores=scores, areas_px=areas)


def superpixel_candidates(
    score_maps: ScoreMaps, superpixels: SuperpixelMaps, *, annotated: PixelFlags | None = None
) -> RegionCandidates:
    """List the superpixels of each image.

    Args:
        score_maps: pixel scores of each image, sizes may differ.
        superpixels: number of each pixel's superpixel, from 0, see `alcore.superpixels`.
        annotated: pixels that have labels already; a superpixel that holds any is left out.

    Raises:
        InvalidInput: a score is not finite, a number negative, or the sizes of an image's arrays differ.

    O(pixels).
    """
    if len(superpixels) != len(score_maps):
        raise InvalidInput(f"need superpixels of {len(score_maps)} images; got {len(superpixels)}")
    parts = []
    for row, ((score, done), labels) in enumerate(zip(_paired(score_maps, annotated), superpixels, strict=True)):
        means = superpixel_means(score, labels)
        areas = np.bincount(labels.ravel())
        n_done = np.zeros(len(areas)) if done is None else np.bincount(labels.ravel(), weights=done.ravel())
        found = np.flatnonzero((areas > 0) & (n_done == 0))
        boxes = _bounding_boxes(labels, len(areas))[found]
        parts.append((np.full(len(found), row), boxes, means[found], areas[found], found))
    rows, boxes, scores, areas, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
    return RegionCandidates(rows=rows, boxes=boxes, superpixels=numbers, scores=scores, areas_px=areas)


def select_regions(
    candidates: RegionCandidates,
    budget: float | int,
    *,
    costs: Float[np.ndarray, " r"] | None = None,
    max_per_image: int | None = None,
    per_cost: bool = False,
) -> tuple[Region, ...]:
    """Choose regions to annotate, the highest score first, none overlapping another.

    Args:
        candidates: regions of all images.
        budget: what may be spent, in the unit of `costs`.
        costs: of each region, above 0: pixels (`candidates.areas_px`), clicks, seconds; None counts regions.
        max_per_image: at most this many of one image.
        per_cost: rank by score / cost instead of score: more for the same money, and small regions first.

    Returns:
        Regions in the order of choice. One that no longer fits into the budget is passed over, and cheaper ones
        behind it may still fit. Equal ones keep the order of the candidates; no chance is involved.

    Raises:
        InvalidInput: a cost is not above 0, or budget or cap is out of range.

    The greedy rule of region-based active learning, for instance CEREALS (Mackowiak et al. 2018), whose own cost model
    is not included. O(r·log r), and O(r') a pick for the r' regions of its image.
    """
    n = len(candidates.rows)
    costs = np.ones(n) if costs is None else np.asarray(costs, dtype=np.float64)
    if costs.shape != (n,) or not ((costs > 0) & np.isfinite(costs)).all():
        raise InvalidInput(f"costs must be {n} finite numbers above 0; got shape {costs.shape}")
    if not budget > 0 or (max_per_image is not None and max_per_image < 1):
        raise InvalidInput(f"need budget > 0 and max_per_image >= 1 or None; got {budget} and {max_per_image}")
    gain = candidates.scores / costs if per_cost else candidates.scores
    is_open = np.ones(n, dtype=bool)
    chosen: list[Region] = []
    n_taken: dict[int, int] = {}
    spent = 0.0
    cheapest = float(costs.min(initial=np.inf))
    for rank, i in enumerate(np.argsort(-gain, kind="stable").tolist(), start=1):
        if spent + cheapest > budget * (1 + 1e-12):
            break
        row = int(candidates.rows[i])
        if not is_open[i] or spent + costs[i] > budget * (1 + 1e-12) or n_taken.get(row, 0) == max_per_image:
            continue
        spent += float(costs[i])
        n_taken[row] = n_taken.get(row, 0) + 1
        _close_overlapping(candidates, i, is_open)
        chosen.append(_region(candidates, i, float(costs[i]), rank, per_cost=per_cost))
    return tuple(chosen)


def _region(candidates: RegionCandidates, i: int, cost: float, rank: int, *, per_cost: bool) -> Region:
    """Describe one candidate."""
    y0, x0, y1, x1 = candidates.boxes[i].tolist()
    score = float(candidates.scores[i])
    by = "score for its cost" if per_cost else "score"
    return Region(
        row=int(candidates.rows[i]),
        box=(slice(y0, y1), slice(x0, x1)),
        superpixel=None if candidates.superpixels is None else int(candidates.superpixels[i]),
        score=score,
        area_px=int(candidates.areas_px[i]),
        cost=cost,
        reason=f"mean score {score:.2f}, rank {rank} of {len(candidates.rows)} regions by {by}",
    )


def _close_overlapping(candidates: RegionCandidates, i: int, is_open: Bool[np.ndarray, " r"]) -> None:
    """Close what shares a pixel with region i; superpixels of an image never do."""
    is_open[i] = False
    if candidates.superpixels is not None:
        return
    first, last = np.searchsorted(candidates.rows, [candidates.rows[i], candidates.rows[i] + 1])
    boxes, box = candidates.boxes[first:last], candidates.boxes[i]
    is_apart = (boxes[:, :2] >= box[2:]).any(axis=1) | (boxes[:, 2:] <= box[:2]).any(axis=1)
    is_open[first:last] &= is_apart


def box_sums(values: Float[np.ndarray, "h w"], boxes: Int64[np.ndarray, "r 4"]) -> Float64[np.ndarray, " r"]:
    """Return the sum over each box, by a summed-area table."""
    table = summed_area(values)
    y0, x0, y1, x1 = boxes.T
    return table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0]


def _starts(extent: int, size: int, stride: int) -> Int64[np.ndarray, " s"]:
    """Return where the patches of one axis begin: each stride, until one reaches the far edge."""
    return np.arange(0, max(extent - size, 0) + stride, stride)[: 1 + -(-max(extent - size, 0) // stride)]


def _bounding_boxes(labels: Int[np.ndarray, "h w"], n: int) -> Int64[np.ndarray, "n 4"]:
    """Return the bounding box of each number; anything for numbers that do not occur."""
    y, x = np.indices(labels.shape)
    boxes = np.zeros((n, 4), dtype=np.int64)
    boxes[:, :2] = max(labels.shape)
    for axis, place in enumerate((y.ravel(), x.ravel())):
        np.minimum.at(boxes[:, axis], labels.ravel(), place)
        np.maximum.at(boxes[:, axis + 2], labels.ravel(), place + 1)
    return boxes


def _paired(
    score_maps: ScoreMaps, annotated: PixelFlags | None
) -> list[tuple[Float[np.ndarray, "_h _w"], Bool[np.ndarray, "_h _w"] | None]]:
    """Check each image's arrays and set them side by side."""
    if len(score_maps) == 0:
        raise InvalidInput("region queries need the score map of at least one image")
    if annotated is not None and [flags.shape for flags in annotated] != [score.shape for score in score_maps]:
        raise InvalidInput("annotated must hold one array an image, of the shape of its score map")
    for score in score_maps:
        check_scores(score)
    done: list[Bool[np.ndarray, "_h _w"] | None] = [None] * len(score_maps) if annotated is None else list(annotated)
    return list(zip(score_maps, done, strict=True))
