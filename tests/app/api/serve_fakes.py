"""A server over fakes, for the tests that kill one: `python -m tests.app.api.serve_fakes WORKSPACE PORT`."""

import sys
from pathlib import Path

import uvicorn

from app.server import create_app
from tests.app.fakes import InlineRunner
from tests.app.workspaces import open_fake

if __name__ == "__main__":
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    with open_fake(folder, runner=InlineRunner()) as service:
        uvicorn.run(create_app(folder, service=service, with_ui=False), port=port, log_level="warning")
