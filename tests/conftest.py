"""Checks array shapes of the numeric packages at run time, and keeps every test off the network and on few threads."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from jaxtyping import install_import_hook

# Held for the whole session: every annotation in these packages is a test.
_shape_checks = install_import_hook(["alcore", "prompts"], "beartype.beartype")
