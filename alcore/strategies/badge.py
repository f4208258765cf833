"""BADGE: D² sampling on last-layer gradients that are never written down."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float, Float32, Float64

from alcore.acquisition.probability import check_probabilities
from alcore.strategies.batch import Batch
from alcore.strategies.blocks import BLOCK_ROWS, blocks, squared_norms
from alcore.strategies.registry import register
from alcore.strategies.uncertainty import mean_probabilities
from alcore.types import PoolView, QueryResult

_WORTH_A_GATHER = 0.5
"""Above this part of the items it is quicker to read all embeddings in order than those that matter."""
_ROUNDING = 1e-6
"""Squared distances below this part of the squared lengths are rounding: float32 sums, float16 files."""


class GradientEmbeddings:
    """The gradients (p - e_y) ⊗ h of the loss for the predicted class y, by their factors: O(n) memory beside these.

    Args:
        embeddings: h, the head's input.
        probabilities: p, classes on the last axis; y is the first of the largest.

    Source: Ash et al. 2020, section 3 (arXiv:1906.03671). <g, g'> = <p - e_y, p' - e_y'>·<h, h'>.
    The gradient of the bias is left out, as in the authors' code.
    """

    def __init__(self, embeddings: Float[np.ndarray, "n d"], probabilities: Float[np.ndarray, "n c"]) -> None:
        self._embeddings, self._probabilities = embeddings, probabilities
        self._squared_lengths = squared_norms(embeddings).astype(np.float64)
        self.squared_norms: Float64[np.ndarray, " n"] = self._squared_lengths.copy()
        for start in range(0, len(embeddings), BLOCK_ROWS):
            place = slice(start, start + BLOCK_ROWS)
            residuals = self._residuals(place)
            self.squared_norms[place] *= np.einsum("nc,nc->n", residuals, residuals)

    def approach(self, nearest: Float64[np.ndarray, " n"], row: int) -> None:
        """Lower, in place, each item's squared distance to the nearest of some gradients by that to one more.

        |<h, h'>| is at most |h|·|h'|, so that the small factors alone show most items to be no nearer; only the
        embeddings of the others are read. What is rounding is set to 0.
        """
        residual = self._residuals(slice(row, row + 1))[0]
        lengths = self.squared_norms + self.squared_norms[row]
        along = np.empty(len(lengths))
        for start in range(0, len(lengths), BLOCK_ROWS):
            place = slice(start, start + BLOCK_ROWS)
            along[place] = self._residuals(place) @ residual
        reach = np.sqrt(self._squared_lengths * self._squared_lengths[row])
        maybe = np.flatnonzero(lengths - 2 * np.abs(along) * reach < nearest).astype(np.int64)
        direction = np.asarray(self._embeddings[row], dtype=np.float32)
        is_most = len(maybe) > len(nearest) * _WORTH_A_GATHER
        for place, block in blocks(self._embeddings, None if is_most else maybe):
            at = place if is_most else maybe[place]
            squared = lengths[at] - 2 * along[at] * (block @ direction)
            squared[squared <= _ROUNDING * lengths[at]] = 0
            nearest[at] = np.minimum(nearest[at], squared)
        nearest[row] = 0

    def _residuals(self, place: slice) -> Float32[np.ndarray, "b c"]:
        """Return p - e_y of some items."""
        residuals = np.array(self._probabilities[place], dtype=np.float32)
        residuals[np.arange(len(residuals)), residuals.argmax(axis=1)] -= 1
        return residuals


def d_squared_sampling(
    lengths_squared: Float64[np.ndarray, " n"],
    approach: Callable[[Float64[np.ndarray, " n"], int], None],
    batch: Batch,
    *,
    rng: np.random.Generator,
    reason: Callable[[int, float | None], str],
) -> None:
    """Take the longest vector, then draw each next with chances in proportion to its squared distance to those taken.

    Args:
        lengths_squared: squared length of each item's vector.
        approach: lowers given squared distances, in place, to those to one more item where these are smaller.
        batch: gets the rows; only rows open in its quota are taken.
        rng: draws; ties of the longest are broken by it too.
        reason: makes the reason of a row from the row and its distance to those taken, None for the first.

    Where all that is open lies on what was taken, the next is drawn with equal chances. The k-means++ seeding of Arthur
    & Vassilvitskii 2007, one draw a pick; the first is BADGE's.
    """
    nearest = np.full(len(lengths_squared), np.inf)
    while not batch.is_full:
        is_open = batch.quota.open
        if len(batch.rows) == 0:
            lengths = np.where(is_open, lengths_squared, -1)
            row = int(rng.choice(np.flatnonzero(lengths == lengths.max())))
            batch.take(row, reason(row, None))
        else:
            row = _draw(np.where(is_open, nearest, 0), is_open.astype(np.float64), rng)
            batch.take(row, reason(row, float(np.sqrt(nearest[row]))))
        if not batch.is_full:
            approach(nearest, row)


@register(
    "badge",
    paper="Ash et al., ICLR 2020 (arXiv:1906.03671)",
    phase="round",
    needs=frozenset({"embeddings", "probabilities"}),
    cost="O(n·b·(c+d))",
    advice="A strong round for classifiers with large batches: uncertain, and different from one another",
    is_nested=True,
)
def badge(
    pool: PoolView, batch_size: int, *, rng: np.random.Generator, max_per_group: int | None = None
) -> QueryResult:
    """Draw items whose last-layer gradients are long and differ from one another.

    Source: Ash et al. 2020, Algorithm 1 (arXiv:1906.03671): k-means++ sampling on the gradient of each item's loss for
    its predicted class; the first is the longest gradient, as in the authors' code. Exact distribution from factors,
    never an n × (c·d) array: O(n·b·(c+d)) time at most, for most embeddings are not looked at again; O(n) memory.
    Departures: squared distances below a millionth of the squared lengths count as 0; once nothing open differs from
    what was chosen, items are drawn with equal chances.
    """
    probabilities = mean_probabilities(pool)
    check_probabilities(probabilities)
    gradients = GradientEmbeddings(pool.embeddings, probabilities)
    batch = Batch(pool, batch_size, max_per_group)

    def reason(row: int, distance: float | None) -> str:
        length = np.sqrt(gradients.squared_norms[row])
        if distance is None:
            return f"longest gradient: {length:.2g}"
        return f"gradient {length:.2g} long, {distance:.2g} from the nearest chosen"

    d_squared_sampling(gradients.squared_norms, gradients.approach, batch, rng=rng, reason=reason)
    return batch.result(np.sqrt(gradients.squared_norms))


def _draw(weights: Float64[np.ndarray, " n"], otherwise: Float64[np.ndarray, " n"], rng: np.random.Generator) -> int:
    """Draw one index in proportion to `weights`, or to `otherwise` where all of these are 0."""
    running = np.cumsum(weights)
    if not running[-1] > 0:
        running = np.cumsum(otherwise)
    below_the_sum = min(rng.random() * running[-1], np.nextafter(running[-1], 0))
    return int(np.searchsorted(running, below_the_sum, side="right"))
