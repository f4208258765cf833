"""How long a round takes on a large pool that is encoded already, stage by stage, and what memory.

`python benchmarks/rounds.py [--images 10000] [--labels 100] [--tasks segmentation,classification] [--threads 2]`

A workspace as the service makes it: images of a real set, copied under new names with a few bytes behind their end
until there are enough, and the store of their embeddings (the originals are encoded; a copy's vector is moved by a
little, so that no two are alike). All but ten labels are answered with the true masks or classes, a first round trains
on them, the last ten are answered, and the next round is the one that counts: it has an earlier head to be compared
with. Each round runs in a process of its own, as the worker runs it but for its lower priority. Stages are as far apart
as the job's events. The floor is reading the vectors of all items and, for segmentation, maps and images of those that
are scored.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np
from _data import add_data_option

from alcore.embeddings import EmbeddingStore
from alcore.masks import encode_rle
from app.api.schemas import AnnotationIn
from app.service import AnnotationService, open_workspace
from app.simulate_data import SimulationImages, load_images

SETS = {"segmentation": "us_nerve_usgra", "classification": "cls_us_breast_busi"}
STAGES = {
    "train": ("training the head", "comparing with the model before"),
    "score": ("scoring the pool",),
    "select": ("choosing",),
    "masks": ("making starting masks",),
}
LAST_LABELS = 10
MAX_ORIGINALS = 200
BLOCK_ROWS = 256
NOISE = 0.02
"""Length of what a copy's vector is moved by."""


class Later:
    """Starts no worker: the job is run where it is wanted."""

    def start(self, job_id: int) -> None:
        """See `JobRunner`."""

    def reap(self) -> None:
        """See `JobRunner`."""


def prepare(workspace: Path, images: SimulationImages, task: str, n: int, head: str) -> int:
    """Make the workspace and a project of n images with their embeddings; returns the project's id."""
    classes = list(images.label_names) or [f"class {i}" for i in range(1, images.n_classes + 1)]
    with open_workspace(workspace, create=True, runner=Later()) as service:
        project = service.create_project("pool", task=task, classes=classes, head=head)
        with tempfile.TemporaryDirectory() as folder:
            rows = originals(images)
            for number in range(n):
                sample = images.samples[origin_of(str(number), rows)]
                copy = Path(folder) / f"{number:06d}{sample.image_path.suffix}"
                copy.write_bytes(sample.image_path.read_bytes() + b"%08d" % number)
            service.import_paths(project.id, [folder])
        embed(service, project.id, images)
    return project.id


def originals(images: SimulationImages) -> np.ndarray:
    """Rows of the images that a pool is made of, spread over the set, whose stems may be sorted by class."""
    n = len(images.samples)
    return np.linspace(0, n - 1, min(MAX_ORIGINALS, n)).astype(int)


def origin_of(name: str, rows: np.ndarray) -> int:
    """Row of the image that an item is a copy of, by its name."""
    return int(rows[int(Path(name).stem) % len(rows)])


def embed(service: AnnotationService, project_id: int, images: SimulationImages) -> None:
    """Fill the store as an embed job would have."""
    from app.service.embedded import key_of, store_folder
    from app.store import items as item_rows

    ctx, rng = service.context, np.random.default_rng(0)
    encoder = ctx.models.load_encoder("builtin")
    store = EmbeddingStore(
        store_folder(ctx, encoder.encoder_id),
        encoder_id=encoder.encoder_id,
        dim=encoder.dim,
        dense_shape=encoder.dense_shape,
    )
    encoded = {int(row): encoder.encode([images.rgb(row)]) for row in originals(images)}
    with ctx.db.read() as connection:
        rows = item_rows.of_project(connection, project_id)
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        origins = [origin_of(row["name"], originals(images)) for row in block]
        vectors = np.concatenate([encoded[i].vectors for i in origins])
        vectors = vectors + NOISE / np.sqrt(encoder.dim) * rng.standard_normal(vectors.shape)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        store.append([key_of(row) for row in block], vectors, np.concatenate([encoded[i].dense for i in origins]))


def answer(workspace: Path, project_id: int, images: SimulationImages, n: int) -> None:
    """Answer n queued images with the truth."""
    with open_workspace(workspace, runner=Later()) as service:
        for _ in range(n):
            item = service.next_item(project_id, annotator="benchmark")
            if item is None or item.lease is None:
                raise SystemExit(f"the queue is empty after fewer than {n} answers; ask for more images")
            row = origin_of(item.name, originals(images))
            service.annotate(
                item.id,
                AnnotationIn(
                    submission_id=uuid.uuid4(),
                    lease_token=item.lease.token,
                    base_version=item.version,
                    label=str(images.samples[row].label) if images.label_names else None,
                    objects=[] if images.label_names else objects_of(images.labels(row)),
                    seconds=10,
                ),
            )


def objects_of(labels: np.ndarray) -> list:
    """One drawn object a class."""
    ids = np.unique(labels[(labels > 0) & (labels < 255)])
    return [{"class_id": int(i), "mask": encode_rle(labels == i)} for i in ids]


def in_a_process(workspace: Path, project_id: int, n: int, threads: int, strategy: str) -> dict:
    """Run a round in a process of its own; what `run_round` found."""
    command = [sys.executable, __file__, "--round", str(workspace), str(project_id), str(n), strategy]
    threads_of = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **threads_of})
    return json.loads(done.stdout)


def run_round(workspace: Path, project_id: int, n: int, strategy: str) -> dict:
    """Run a round; seconds of its stages and in all, of the processor, of the floor, and the peak of memory."""
    from app.processor import share_processor

    share_processor()
    from app.jobs.run import run_job

    with open_workspace(workspace, runner=Later()) as service:
        job = service.start_round(project_id, n=n, strategy=strategy, seed=0)
        began, spent = time.time(), time.process_time()
        run_job(service.context, job.id)
        ended, spent = time.time(), time.process_time() - spent
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        done = service.job(job.id)
        if done.state != "done":
            raise SystemExit(f"the round {done.state}: {done.error}")
        found = dict.fromkeys(STAGES, 0.0)
        for stage, seconds in spans(service, job.id, ended):
            for name, starts in STAGES.items():
                found[name] += seconds if stage.startswith(starts) else 0.0
        found["other"] = ended - began - sum(found.values())
        result = done.result or {}
        facts = {name: result.get(name) for name in ("head", "n_labeled")}
        floor = reading_once(service, project_id, job.id)
    return {**found, "all": ended - began, "processor": spent, "floor": floor, "peak_mb": peak_mb, **facts}


def spans(service: AnnotationService, job_id: int, ended: float) -> list[tuple[str, float]]:
    """Stages of a job with their seconds, by its events."""
    from sqlalchemy import select

    from app.store.tables_jobs import job_events

    with service.context.db.read() as connection:
        query = select(job_events).where(job_events.c.job_id == job_id, job_events.c.type == "progress")
        events = connection.execute(query.order_by(job_events.c.id)).mappings().all()
    begun: list[tuple[str, float]] = []
    for event in events:
        if not begun or begun[-1][0] != event["data"]["message"]:
            begun.append((event["data"]["message"], event["created_at"]))
    ends = [at for _, at in begun[1:]] + [ended]
    return [(name, end - at) for (name, at), end in zip(begun, ends, strict=True)]


def reading_once(service: AnnotationService, project_id: int, job_id: int) -> float:
    """Seconds to read what the round had to look at, nothing else; files lie in the system's cache by now."""
    from app.jobs.pool import open_pool
    from app.jobs.progress import JobProgress

    pool, _ = open_pool(service.context, project_id, JobProgress(service.context.db, job_id))
    began = time.perf_counter()
    pool.store.vectors(pool.keys(pool.items))
    if pool.project["task"] == "segmentation":
        scored = pool.items[: pool.ctx.settings.max_scored]
        for start in range(0, len(scored), BLOCK_ROWS):
            pool.store.dense(pool.keys(scored[start : start + BLOCK_ROWS]))
            pool.small(scored[start : start + BLOCK_ROWS])
    return time.perf_counter() - began


def measure(task: str, options: argparse.Namespace, folder: Path) -> None:
    """Print the rows of one task."""
    images = load_images(options.data / SETS[task], task)
    workspace = folder / task
    project_id = prepare(workspace, images, task, options.images, options.head)
    in_a_process(workspace, project_id, options.labels, options.threads, "random")
    answer(workspace, project_id, images, options.labels - LAST_LABELS)
    for number, name in enumerate(("first", "next")):
        found = in_a_process(workspace, project_id, LAST_LABELS, options.threads, "default")
        seconds = [found[key] for key in (*STAGES, "other", "all", "processor", "floor")]
        print(
            f"| {task} | {name} | `{found['head']}` | {found['n_labeled']} | "
            f"{' | '.join(f'{s:.1f}' for s in seconds)} | {found['peak_mb']:.0f} |",
            flush=True,
        )
        if number == 0:
            answer(workspace, project_id, images, LAST_LABELS)


def main() -> None:
    if sys.argv[1:2] == ["--round"]:
        workspace, project_id, n, strategy = sys.argv[2:]
        print(json.dumps(run_round(Path(workspace), int(project_id), int(n), strategy)))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--tasks", default="segmentation,classification")
    parser.add_argument("--head", default="default")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    add_data_option(parser)
    options = parser.parse_args()
    if options.images < MAX_ORIGINALS:
        parser.error(f"--images must be at least {MAX_ORIGINALS}, one of each original; got {options.images}")
    columns = (*STAGES, "other", "all", "processor", "floor")
    print(f"| task | round | head | labels | {' | '.join(columns)} | peak MB |\n{'|---' * (len(columns) + 5)}|")
    with tempfile.TemporaryDirectory() as folder:
        for task in options.tasks.split(","):
            measure(task, options, Path(folder))


if __name__ == "__main__":
    main()
