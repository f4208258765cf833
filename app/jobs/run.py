"""Runs one job of any kind: begins it, calls its task, records how it ended."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from alcore.errors import AlcoreError, Cancelled
from app.errors import FewclickError
from app.jobs import adapt, compare, tasks
from app.jobs.progress import JobProgress
from app.service.context import Context
from app.store import jobs as rows
from app.store.database import Row
from prompts.errors import PromptError

Result = dict[str, JsonValue]
TASKS: Mapping[str, Callable[[Context, Row, JobProgress], Result]] = {
    "embed": tasks.embed,
    "train": tasks.train,
    "round": tasks.ask_round,
    "adapt": adapt.adapt,
    "compare": compare.compare,
}
logger = logging.getLogger(__name__)


def run_job(ctx: Context, job_id: int) -> None:
    """Run a waiting job to its end. One that has begun or ended already is left alone."""
    started = time.perf_counter()
    with ctx.db.write() as connection:
        job: Row = dict(rows.get(connection, job_id))
        if job["state"] != "queued":
            logger.warning("job %s is %s already", job_id, job["state"])
            return
        rows.change(connection, job_id, {"state": "running", "started_at": ctx.clock()})
    try:
        result = TASKS[job["kind"]](ctx, job, JobProgress(ctx.db, job_id))
    except Cancelled:
        _end(ctx, job_id, "cancelled")
    except (AlcoreError, FewclickError, PromptError) as error:
        _end(ctx, job_id, "failed", error=str(error))
    except BaseException as error:
        _end(ctx, job_id, "failed", error=f"{type(error).__name__}: {error}")
        raise
    else:
        _end(ctx, job_id, "done", result=result)
    logger.info("job %s (%s) ended, duration_s=%.1f", job_id, job["kind"], time.perf_counter() - started)


def _end(ctx: Context, job_id: int, state: str, **values: Any) -> None:
    """Record the end."""
    with ctx.db.write() as connection:
        rows.end(connection, job_id, state, **values)
