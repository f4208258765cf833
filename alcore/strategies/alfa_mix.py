"""ALFA-Mix: items whose predicted class flips on a small step towards the features of a class."""

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int64

from alcore.strategies.batch import Batch, check_positive, open_rows
from alcore.strategies.blocks import blocks
from alcore.strategies.centroids import take_nearest_to_centres
from alcore.strategies.registry import register
from alcore.types import LinearHead, PoolView, QueryResult


@register(
    "alfa_mix",
    paper="Parvaneh et al., CVPR 2022 (arXiv:2203.07034)",
    phase="round",
    needs=frozenset({"embeddings", "labels", "head"}),
    cost="O(n·c·d) a step size, and k-means of the candidates",
    advice="Finds features that the head does not know yet; strong with few labels",
)
def alfa_mix(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    epsilon: float = 0.2,
) -> QueryResult:
    """Take the middle of each cluster of items whose class flips when a little of a class's features is mixed in.

    Source: Parvaneh et al. 2022 (arXiv:2203.07034) with the closed form of the mixing weights, see `flipped_by`;
    `epsilon` is the paper's before division by the root of d. k-means with K = `batch_size` on the candidates, the
    nearest to each centre. Departures: where fewer than `batch_size` items flip, epsilon is doubled, up to the root of
    d, before others are asked, these by the smallest gap between their two highest logits (the authors draw them);
    FAISS's k-means. With nothing labeled there is no class to mix in, and all items are clustered.
    """
    check_positive(epsilon=epsilon)
    assert pool.labels is not None  # `select` has checked
    assert pool.head is not None
    rows = open_rows(pool)
    anchors = class_anchors(pool.embeddings, pool.labels, pool.labeled)
    towards, gaps = _flips(pool, rows, anchors, batch_size, epsilon)
    candidates = rows[towards[rows] >= 0] if anchors else rows
    batch = Batch(pool, batch_size, max_per_group)

    def flipped(row: int) -> str:
        if not anchors:
            return "nothing was labeled yet"
        return f"flips class when features of class {towards[row]} are mixed in" if towards[row] >= 0 else "never flips"

    if len(candidates):
        take_nearest_to_centres(
            pool.embeddings,
            candidates,
            batch,
            rng=rng,
            reason=lambda row, share: f"{flipped(row)}; middle of {share:.0%} of the {len(candidates)} candidates",
        )
    order = rows[np.lexsort((rng.random(len(rows)), gaps[rows], towards[rows] < 0))]
    batch.fill(order, lambda row: f"{flipped(row)}; {gaps[row]:.2f} between its two highest logits")
    return batch.result()


def class_anchors(
    embeddings: Float[np.ndarray, "n d"], labels: Int[np.ndarray, " n"], labeled: Bool[np.ndarray, " n"]
) -> dict[int, Float32[np.ndarray, " d"]]:
    """Return the mean embedding of the labeled items of each class that has any."""
    known = np.flatnonzero(labeled & (labels >= 0)).astype(np.int64)
    classes, codes = np.unique(labels[known], return_inverse=True)
    sums = np.zeros((len(classes), embeddings.shape[1]))
    for place, block in blocks(embeddings, known):
        np.add.at(sums, codes[place], block)
    means = (sums / np.maximum(np.bincount(codes, minlength=len(classes)), 1)[:, None]).astype(np.float32)
    return dict(zip(classes.tolist(), means, strict=True))


def flipped_by(
    block: Float32[np.ndarray, "m d"],
    head: LinearHead,
    anchor: Float32[np.ndarray, " d"],
    *,
    step: float,
) -> Bool[np.ndarray, " m"]:
    """Say which items change their predicted class when an anchor is mixed in with the best weights of size `step`.

    Args:
        block: embeddings z.
        head: the linear head.
        anchor: z*, mean embedding of a class.
        step: the paper's epsilon: length of the weights' effect in parts of |z* - z|.

    Source: Parvaneh et al. 2022 (arXiv:2203.07034): to first order the mix a·z* + (1 - a)·z, with a weight for each
    feature, raises the loss for the predicted class most at a = step·|z* - z| / |g| · g / (z* - z), with g the gradient
    of that loss at z. Each weight is held in 0..1, as in the authors' code; so each feature moves along the gradient,
    from its own value towards the anchor's and not beyond. O(m·c·d).
    """
    weights = np.asarray(head.weights, dtype=np.float32)
    logits = block @ weights.T + head.bias
    predicted = logits.argmax(axis=1)
    residuals = np.exp(logits - logits.max(axis=1, keepdims=True))
    residuals /= residuals.sum(axis=1, keepdims=True)
    residuals[np.arange(len(block)), predicted] -= 1
    moves = residuals.astype(np.float32) @ weights
    gaps = anchor - block
    lengths = np.linalg.norm(moves, axis=1, keepdims=True)
    moves *= step * np.linalg.norm(gaps, axis=1, keepdims=True)
    np.divide(moves, lengths, out=moves, where=lengths > 0)
    np.clip(moves, np.minimum(gaps, 0), np.maximum(gaps, 0), out=moves)
    moves += block
    return np.asarray((moves @ weights.T + head.bias).argmax(axis=1) != predicted)


def _flips(
    pool: PoolView,
    rows: Int64[np.ndarray, " m"],
    anchors: dict[int, Float32[np.ndarray, " d"]],
    batch_size: int,
    epsilon: float,
) -> tuple[Int64[np.ndarray, " n"], Float32[np.ndarray, " n"]]:
    """Return the first class that flips each row, -1 for none, and the gap between the two highest logits."""
    assert pool.head is not None
    towards = np.full(len(pool.labeled), -1, dtype=np.int64)
    gaps = np.zeros(len(pool.labeled), dtype=np.float32)
    for place, block in blocks(pool.embeddings, rows):
        logits = np.sort(block @ pool.head.weights.T.astype(np.float32) + pool.head.bias, axis=1)
        gaps[rows[place]] = logits[:, -1] - logits[:, max(0, logits.shape[1] - 2)]
    step, left = epsilon / np.sqrt(pool.embeddings.shape[1]), rows
    while anchors:
        for place, block in blocks(pool.embeddings, left):
            at = left[place]
            for label, anchor in anchors.items():
                flips = flipped_by(block, pool.head, anchor, step=step) & (towards[at] < 0)
                towards[at[flips]] = label
        left = left[towards[left] < 0]
        if step >= 1 or len(rows) - len(left) >= batch_size:
            break
        step = min(1.0, 2 * step)
    return towards, gaps
