"""Time query strategies against scikit-activeml and against what this machine can do at best; prints Markdown.

Against the peer times are CPU seconds on one thread, so that a busy machine does not spoil them. On large pools they
are wall seconds of `fewclick bench select`, which runs each strategy in a process of its own on a mapped float16 file.

`python benchmarks/selection.py [--n 4000] [--large 100000 1000000] [--dim 384] [--no-peer]`
"""

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read when NumPy and FAISS are imported
    os.environ[_variable] = "1"

import numpy as np  # noqa: E402

from alcore.strategies import select  # noqa: E402
from alcore.strategies.clustering import MAX_TRAINING_ROWS_PER_CLUSTER, N_ITERATIONS  # noqa: E402
from alcore.strategies.coverage import N_REFERENCE  # noqa: E402
from alcore.types import PoolView  # noqa: E402
from app.selection_bench import bench_selection  # noqa: E402

N_LABELED, N_CLASSES, N_MEMBERS = 20, 5, 8
SETTINGS = {"probcover": {"delta": 1.2}}
"""Both get the same radius: the peer's default is a search over ten."""


def make_pool(n: int, dim: int) -> PoolView:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(50, dim))
    embeddings = (centres[rng.integers(50, size=n)] + 1.5 * rng.normal(size=(n, dim))).astype(np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labeled = np.zeros(n, dtype=bool)
    labeled[rng.choice(n, N_LABELED, replace=False)] = True
    committee = rng.dirichlet(np.ones(N_CLASSES), size=(N_MEMBERS, n)).astype(np.float32)
    return PoolView(embeddings=embeddings, labeled=labeled, probabilities=committee.mean(axis=0), committee=committee)


def best_of(function: Callable[[], np.ndarray], repeats: int) -> tuple[float, np.ndarray]:
    times = []
    for _ in range(repeats):
        started = time.process_time()
        rows = function()
        times.append(time.process_time() - started)
    return min(times), rows


def machine_floor() -> tuple[float, float]:
    """Return (bytes a second of a matrix-vector product, operations a second of a matrix product), float32."""
    rng = np.random.default_rng(0)
    tall, vector = rng.random((200_000, 384), dtype=np.float32), rng.random(384, dtype=np.float32)
    seconds, _ = best_of(lambda: tall @ vector, 5)
    square = rng.random((2048, 2048), dtype=np.float32)
    seconds_product, _ = best_of(lambda: square @ square, 3)
    return tall.nbytes / seconds, 2 * 2048**3 / seconds_product


def ours(name: str, pool: PoolView, batch_size: int) -> np.ndarray:
    return select(name, pool, batch_size, rng=np.random.default_rng(0), **SETTINGS.get(name, {})).rows


def given_probabilities(x: np.ndarray, probabilities: np.ndarray, labeled: np.ndarray) -> Any:
    """Return a classifier for the peer that costs nothing: it knows its answers beforehand."""
    from skactiveml.base import SkactivemlClassifier

    class Given(SkactivemlClassifier):  # type: ignore[misc]
        def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> "Given":
            self.classes_ = np.arange(probabilities.shape[1])
            return self

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            return answers[len(X)].copy()  # the peer edits what it gets

    unlabeled = np.flatnonzero(~labeled)
    answers = {len(x): probabilities, len(unlabeled): probabilities[unlabeled], N_LABELED: probabilities[labeled]}
    return Given(classes=np.arange(probabilities.shape[1])).fit(x, x[:, 0])


def peers(pool: PoolView, batch_size: int) -> dict[str, Callable[[], np.ndarray]]:
    from skactiveml import pool as sk
    from sklearn.cluster import KMeans

    x, y = pool.embeddings, np.where(pool.labeled, 0.0, np.nan)
    assert pool.probabilities is not None
    probabilities, committee, candidates = pool.probabilities, pool.committee, np.flatnonzero(~pool.labeled)

    fixed = given_probabilities(x, probabilities, pool.labeled)

    def top(scores: np.ndarray) -> np.ndarray:
        return candidates[np.argsort(-scores, kind="stable")[:batch_size]]

    return {
        "k_center": lambda: sk.CoreSet(random_state=0).query(x, y, batch_size=batch_size),
        "k_center_cosine": lambda: sk.CoreSet(metric="cosine", random_state=0).query(x, y, batch_size=batch_size),
        "max_herding": lambda: sk.MaxHerding(metric="rbf", metric_dict={"gamma": 1.0}, random_state=0).query(
            x, y, batch_size=batch_size
        ),
        "probcover": lambda: sk.ProbCover(
            n_classes=N_CLASSES, deltas=[SETTINGS["probcover"]["delta"]], random_state=0
        ).query(x, y, batch_size=batch_size),
        "typiclust": lambda: sk.TypiClust(cluster_algo=KMeans, k=20, random_state=0).query(x, y, batch_size=batch_size),
        "badge": lambda: sk.Badge(random_state=0).query(x, y, fixed, fit_clf=False, batch_size=batch_size),
        "falcun": lambda: sk.Falcun(random_state=0).query(x, y, fixed, fit_clf=False, batch_size=batch_size),
        "contrastive_al": lambda: sk.ContrastiveAL({"n_neighbors": 10}, random_state=0).query(
            x, y, fixed, fit_clf=False, batch_size=batch_size
        ),
        "entropy": lambda: top(sk.uncertainty_scores(probabilities[candidates], method="entropy")),
        "margin": lambda: top(sk.uncertainty_scores(probabilities[candidates], method="margin_sampling")),
        "bald": lambda: top(sk.batch_bald(committee[:, candidates].astype(float), batch_size=1)[0]),
    }


def compare_with_peer(n: int, dim: int, batch_size: int) -> None:
    pool = make_pool(n, dim)
    print(f"\nn = {n:,}, d = {dim}, {batch_size} picks, {N_LABELED} labeled; CPU seconds on one thread, best of 5\n")
    print("| strategy | ours | scikit-activeml | times faster | same picks |\n|---|---|---|---|---|")
    for name, peer in peers(pool, batch_size).items():
        ours(name, pool, batch_size)  # imports and warms up
        mine, rows = best_of(lambda name=name: ours(name, pool, batch_size), 5)
        theirs, peer_rows = best_of(peer, 5)
        shared = len(set(rows.tolist()) & set(np.asarray(peer_rows).tolist()))
        print(f"| {name} | {mine:.4f} | {theirs:.4f} | {theirs / mine:.1f} | {shared} of {batch_size} |", flush=True)


def floors(n: int, dim: int, batch_size: int, bandwidth: float, operations: float) -> dict[str, float]:
    """Seconds that the passes or products of each method take at least; see the text above the table."""
    n_typical = batch_size + N_LABELED

    def clustering(k: int, n_passes: int) -> float:
        return (min(n, MAX_TRAINING_ROWS_PER_CLUSTER * k) * N_ITERATIONS + n * n_passes) * 2 * k * dim / operations

    one_sweep = 2 * n * min(n, N_REFERENCE) * dim / operations
    return {
        "k_center": (batch_size + 1) * n * dim * 2 / bandwidth,
        "kmeans_medoid": clustering(batch_size, 2),
        "typiclust": clustering(n_typical, 1) + 2 * n * (n / n_typical) * dim / operations,
        "probcover": one_sweep,
        "max_herding": one_sweep,
        "facility_location": one_sweep,
        "badge": (batch_size + 1) * n * dim * 2 / bandwidth,
        "margin": n * N_CLASSES * 4 / bandwidth,
        "bald": n * N_CLASSES * N_MEMBERS * 4 / bandwidth,
    }


def compare_with_machine(n: int, dim: int, batch_size: int) -> None:
    bandwidth, operations = machine_floor()
    least = floors(n, dim, batch_size, bandwidth, operations)
    file_mb = n * dim * 2 / 1e6
    print(
        f"\nn = {n:,}, d = {dim}, {batch_size} picks from a mapped float16 file of {file_mb:.0f} MB; this machine: "
        f"{bandwidth / 1e9:.1f} GB/s (matrix-vector), {operations / 1e9:.0f} GFLOP/s (matrix product). The floor is "
        "what the plain method must read or multiply: a pass over the file a pick for k-center and BADGE, 25 rounds "
        f"of k-means, all pairs in equal clusters for TypiClust, a product with {N_REFERENCE:,} reference items for "
        "coverage. Peak memory is that of the process, less the file.\n"
    )
    print("| strategy | seconds | floor | times the floor | MB above the file |\n|---|---|---|---|---|")
    for name, floor in least.items():
        (result,) = bench_selection([name], n=n, dim=dim, batch_size=batch_size)["results"]
        seconds, above = result["seconds"], result["peak_rss_mb"] - file_mb
        print(f"| {name} | {seconds:.3f} | {floor:.4f} | {seconds / floor:.1f} | {above:.0f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=4000)
    parser.add_argument("--large", type=int, nargs="*", default=[100_000, 1_000_000], help="sizes of large pools")
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--no-peer", action="store_true", help="leave scikit-activeml out")
    options = parser.parse_args()
    if not options.no_peer:
        compare_with_peer(options.n, options.dim, 50)
    for n in options.large:
        compare_with_machine(n, options.dim, 100)


if __name__ == "__main__":
    main()
