"""`python -m app.jobs.worker WORKSPACE JOB_ID`: runs one job to its end, politely, in a process of its own."""

import logging
import os
import sys
from pathlib import Path

from app.processor import share_processor, step_back


def main(arguments: list[str]) -> int:
    """Run the job; 0 when it is done or was cancelled."""
    workspace, job_id = Path(arguments[0]), int(arguments[1])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    step_back()
    share_processor(leave_a_core=True)
    from app.jobs.run import run_job
    from app.service import open_workspace

    with open_workspace(workspace) as service:
        if not service.settings.allow_download:
            os.environ.setdefault("HF_HUB_OFFLINE", "1")
        run_job(service.context, job_id)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
