"""How long query strategies take on a large pool, and how much memory: each in a process of its own."""

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alcore.strategies import named, select
from alcore.types import LinearHead, PoolView, Progress

_N_CLUSTERS, _N_CLASSES, _N_MEMBERS, _N_LABELED = 50, 5, 8, 20
_BLOCK_ROWS = 8192
_WARM_UP_ROWS = 64


def bench_selection(
    strategies: Sequence[str], *, n: int, dim: int, batch_size: int, progress: Progress | None = None
) -> dict[str, Any]:
    """Time strategies on one pool of drawn, clustered embeddings: a float16 file that is mapped into memory.

    Args:
        strategies: names from `STRATEGIES`, with settings or without.
        n: items in the pool, at least 100.
        dim: length of an embedding.
        batch_size: items to choose.
        progress: called with (strategies done, strategies).

    Returns:
        The report of DESIGN's `bench select`: for each strategy wall seconds of `select` without imports, the peak of
        resident memory of its process, which counts the pages of the file that it read, and the SHA-256 of the chosen
        rows as little-endian 64-bit integers in the order of choice.

    Raises:
        UnknownName: a strategy does not exist.
        InvalidInput: a setting is wrong.
    """
    specs = [named(name).spec for name in strategies]
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "embeddings.npy"
        write_embeddings(file, n, dim)
        for name in specs:
            if progress is not None:
                progress(len(results), len(specs))
            command = [sys.executable, "-m", "app.selection_bench", name, str(file), str(batch_size)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            results.append(json.loads(done.stdout))
    return {"n": n, "dim": dim, "batch_size": batch_size, "results": results}


def write_embeddings(file: Path, n: int, dim: int) -> None:
    """Write n rows of length 1 around 50 centres as a float16 .npy file, block by block."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(_N_CLUSTERS, dim)).astype(np.float32)
    out = np.lib.format.open_memmap(file, mode="w+", dtype=np.float16, shape=(n, dim))
    for start in range(0, n, _BLOCK_ROWS):
        n_rows = min(_BLOCK_ROWS, n - start)
        rows = centres[rng.integers(_N_CLUSTERS, size=n_rows)]
        rows += np.float32(1.5) * rng.standard_normal((n_rows, dim), dtype=np.float32)
        out[start : start + n_rows] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    out.flush()


def read_pool(file: Path, needs: frozenset[str]) -> PoolView:
    """Map the embeddings into memory and draw the other arrays that a strategy needs, always the same ones."""
    embeddings = np.load(file, mmap_mode="r")
    n, dim = embeddings.shape
    rng = np.random.default_rng(1)
    labeled = np.zeros(n, dtype=bool)
    labeled[rng.choice(n, min(_N_LABELED, n // 2), replace=False)] = True

    def distributions(*shape: int) -> np.ndarray:
        draws = rng.standard_exponential((*shape, _N_CLASSES), dtype=np.float32)
        draws /= draws.sum(axis=-1, keepdims=True)
        return draws

    makers: dict[str, Callable[[], Any]] = {
        "groups": lambda: np.arange(n) // 10,
        "positions": lambda: np.arange(n) % 10,
        "labels": lambda: np.where(labeled, np.arange(n) % _N_CLASSES, -1),
        "probabilities": lambda: distributions(n),
        "previous_probabilities": lambda: distributions(n),
        "committee": lambda: distributions(_N_MEMBERS, n),
        "augmented": lambda: distributions(_N_MEMBERS, n),
        "second_opinions": lambda: distributions(2, n),
        "class_mixtures": lambda: distributions(n, _N_CLASSES),
        "evidence": lambda: rng.standard_exponential((n, _N_CLASSES), dtype=np.float32),
        "class_scores": lambda: rng.random((n, _N_CLASSES), dtype=np.float32),
        "head": lambda: LinearHead(weights=rng.normal(size=(_N_CLASSES, dim)), bias=np.zeros(_N_CLASSES)),
        "losses": lambda: np.where(labeled, rng.standard_exponential(n), -1.0),
        "pretext_losses": lambda: rng.standard_exponential(n),
        "costs": lambda: rng.uniform(2, 60, size=n),
        "foreground": lambda: rng.random(n),
        "patches": lambda: rng.standard_normal((n, 4, 16), dtype=np.float32),
    }
    return PoolView(
        embeddings=embeddings, labeled=labeled, **{need: makers[need]() for need in sorted(needs - {"embeddings"})}
    )


def measure(name: str, file: Path, batch_size: int) -> dict[str, Any]:
    """Run one strategy in this process, after a small run that imports what it uses."""
    needs = named(name).strategy.needs
    pool = read_pool(file, needs)
    small = file.with_name("small.npy")
    np.save(small, pool.embeddings[:_WARM_UP_ROWS])
    select(name, read_pool(small, needs), 2, rng=np.random.default_rng(0))
    started = time.perf_counter()
    rows = select(name, pool, batch_size, rng=np.random.default_rng(0)).rows
    seconds = time.perf_counter() - started
    return {
        "strategy": name,
        "seconds": round(seconds, 4),
        "peak_rss_mb": round(peak_rss_mb(), 1),
        "indices_sha256": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest(),
    }


def peak_rss_mb() -> float:
    """Return this process's peak of resident memory so far, in 10^6 bytes.

    Linux keeps it by address space; the number of `getrusage` would be that of the parent where it was larger.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text("ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
