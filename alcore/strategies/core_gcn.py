"""CoreGCN: a graph network learns what is labeled, and a core-set is chosen among its features."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float32, Int64

from alcore.errors import InvalidInput
from alcore.strategies.farthest import DistancesTo, farthest_first
from alcore.strategies.networks import Adam, he_normal, sigmoid
from alcore.strategies.quota import Quota
from alcore.strategies.registry import register
from alcore.types import PoolView, QueryResult

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_UNLABELED_WEIGHT = 1.2
_RATE, _DECAY = 1e-2, 5e-4


@register(
    "core_gcn",
    paper="Caramalau et al. 2021 (arXiv:2006.10219)",
    phase="any",
    needs=frozenset({"embeddings"}),
    cost="O(m²·d + e·m·(d + k)·h) for m nodes, e epochs, k neighbours, h hidden units",
    advice="k-center that also minds what lies near labeled items on the neighbour graph",
)
def core_gcn(
    pool: PoolView,
    batch_size: int,
    *,
    rng: np.random.Generator,
    max_per_group: int | None = None,
    n_nodes: int = 10_000,
    n_neighbors: int = 10,
    n_hidden: int = 64,
    n_epochs: int = 100,
) -> QueryResult:
    """Take a core-set in the features of a graph network that tells labeled from unlabeled items.

    Settings: at most `n_nodes` items make the graph, each tied to its `n_neighbors` nearest; `n_hidden` features are
    learned in `n_epochs` full-batch steps.

    Source: Caramalau, Bhattarai & Kim 2021 (CVPR, arXiv:2006.10219): two graph convolutions, a cross-entropy of
    labeled against unlabeled nodes with weight 1.2 for the latter, then k-center on the hidden features. Departures: a
    sparse graph of nearest neighbours by cosine in place of all similarities; no dropout; Adam at rate 0.01 for fewer
    epochs. Like the authors' code it works on a random part of a large pool: all labeled items up to half the
    nodes, the rest unlabeled and never fewer than the batch; where their groups run out, the batch is filled with
    random ones from outside. Neighbours are exact, O(m²·d) for m nodes, in blocks; O(m·(d + k)) memory.
    """
    for name, value in (("n_nodes", n_nodes), ("n_neighbors", n_neighbors), ("n_hidden", n_hidden)):
        if value < 1:
            raise InvalidInput(f"{name} must be >= 1; got {value}")
    if n_epochs < 1:
        raise InvalidInput(f"n_epochs must be >= 1; got {n_epochs}")
    nodes = _draw_nodes(pool.labeled, max(n_nodes, 2 * batch_size), rng)
    points = np.asarray(pool.embeddings[nodes], dtype=np.float32)
    graph = neighbour_graph(points, n_neighbors)
    features = graph_features(points, graph, pool.labeled[nodes], n_hidden=n_hidden, n_epochs=n_epochs, rng=rng)
    quota = Quota(pool, max_per_group)
    rows, gaps = farthest_first(
        _feature_distances(features),
        np.flatnonzero(pool.labeled[nodes]),
        quota,
        batch_size=batch_size,
        rng=rng,
        nodes=nodes,
    )
    reasons = [
        "drawn at random: nothing was labeled yet" if np.isinf(gap) else f"farthest in the graph's features: {gap:.2f}"
        for gap in gaps.tolist()
    ]
    rest = quota.take_in_order(rng.permutation(np.flatnonzero(quota.open)), batch_size - len(rows))
    reasons += ["drawn at random: the graph's items were used up"] * len(rest)
    return QueryResult(rows=np.concatenate([rows, rest]), reasons=tuple(reasons))


def neighbour_graph(points: Float32[np.ndarray, "m d"], n_neighbors: int) -> "csr_array":
    """Build the propagation matrix of a graph convolution over nearest neighbours by cosine.

    Args:
        points: one row per node.
        n_neighbors: nearest others that a node is tied to, fewer in a small graph; ties go both ways.

    Returns:
        D^(-1/2) (A + I) D^(-1/2), sparse and symmetric, where A_ij = 1 if i is among j's nearest or j among i's, and D
        holds the row sums of A + I.

    Source: Kipf & Welling 2017 (ICLR), the renormalised adjacency. O(m²·d) exhaustive search, O(m·n_neighbors) memory.
    """
    import faiss
    from scipy.sparse import csr_array, diags_array, eye_array

    m = len(points)
    lengths = np.linalg.norm(points, axis=1, keepdims=True)
    unit = np.ascontiguousarray(points / np.where(lengths > 0, lengths, 1), dtype=np.float32)
    k = min(n_neighbors + 1, m)
    _, nearest = faiss.knn(unit, unit, k, metric=faiss.METRIC_INNER_PRODUCT)
    ones = np.ones(m * k, dtype=np.float32)
    directed = csr_array((ones, nearest.ravel(), np.arange(0, m * k + 1, k)), shape=(m, m))
    ties = directed + directed.T + eye_array(m, dtype=np.float32)
    ties.data[:] = 1
    scale = diags_array(1 / np.sqrt(ties.sum(axis=1)))
    return csr_array(scale @ ties @ scale).astype(np.float32)


def graph_features(
    points: Float32[np.ndarray, "m d"],
    graph: "csr_array",
    labeled: Bool[np.ndarray, " m"],
    *,
    n_hidden: int,
    n_epochs: int,
    rng: np.random.Generator,
) -> Float32[np.ndarray, "m h"]:
    """Train a two-layer graph network to tell labeled from unlabeled nodes; return its hidden features.

    Args:
        points: one row per node.
        graph: propagation matrix, see `neighbour_graph`.
        labeled: True where the oracle has answered; with one class only, the features are those of the first weights
            after training towards it.
        n_hidden: features.
        n_epochs: full-batch Adam steps.
        rng: first weights.

    Source: Caramalau et al. 2021, section 3.2 (loss) and 3.3 (features). O(n_epochs·m·(d + k)·h).
    """
    spread = graph @ points
    parameters: list[Float32[np.ndarray, "..."]] = [
        he_normal(points.shape[1], n_hidden, rng),
        np.zeros(n_hidden, np.float32),
        he_normal(n_hidden, 1, rng),
        np.zeros(1, np.float32),
    ]
    optimizer = Adam(parameters, _RATE, decay=_DECAY)
    n_labeled = int(labeled.sum())
    per_node = np.where(labeled, 1 / max(n_labeled, 1), _UNLABELED_WEIGHT / max(len(labeled) - n_labeled, 1))
    weights, targets = per_node.astype(np.float32), labeled.astype(np.float32)
    for _ in range(n_epochs):
        hidden = np.maximum(spread @ parameters[0] + parameters[1], 0)
        spread_hidden = graph @ hidden
        logits = (spread_hidden @ parameters[2] + parameters[3])[:, 0]
        d_logits = (weights * (sigmoid(logits) - targets)).astype(np.float32)[:, None]
        d_hidden = (graph @ d_logits) @ parameters[2].T  # the graph is symmetric
        d_hidden[hidden <= 0] = 0
        first = [spread.T @ d_hidden, d_hidden.sum(axis=0)]
        optimizer.step([*first, spread_hidden.T @ d_logits, d_logits.sum(axis=0)])
    return np.maximum(spread @ parameters[0] + parameters[1], 0)


def _draw_nodes(labeled: Bool[np.ndarray, " n"], n_nodes: int, rng: np.random.Generator) -> Int64[np.ndarray, " m"]:
    """Draw labeled rows for up to half the nodes, more where few are unlabeled, and unlabeled ones for the rest."""
    no, yes = np.flatnonzero(labeled), np.flatnonzero(~labeled)
    n_labeled = min(len(no), max(n_nodes // 2, n_nodes - len(yes)))
    parts = [rng.permutation(no)[:n_labeled], rng.permutation(yes)[: n_nodes - n_labeled]]
    return np.sort(np.concatenate(parts)).astype(np.int64)


def _feature_distances(features: Float32[np.ndarray, "m h"]) -> DistancesTo:
    """Give plain Euclidean distances among the nodes."""
    squares = np.einsum("mh,mh->m", features, features)

    def distances_to(places: Int64[np.ndarray, " k"]) -> Float32[np.ndarray, "m k"]:
        squared = squares[:, None] + squares[places] - 2 * (features @ features[places].T)
        squared[places, np.arange(len(places))] = 0
        return np.sqrt(np.maximum(squared, 0))

    return distances_to
