# Each target makes what it needs; the first one that you run also makes the environment.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
# Those that run without an argument: the others write curves or pictures somewhere.
BENCHES = $(filter-out benchmarks/_% benchmarks/al_curves.py benchmarks/failures.py, $(wildcard benchmarks/*.py))
export GRADIO_ANALYTICS_ENABLED := False

.DEFAULT_GOAL := help
.PHONY: help setup demo test references lint check bench bench-encoder docs browser train-builtin clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

setup: $(READY)  ## make .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Fewclick needs Python 3.11 or newer; run make PYTHON=/path/to/python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --no-compile --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)  ## import a sample pool, choose a first batch, serve the page at http://127.0.0.1:7860
	$(BIN)/fewclick demo

browser:
	@sh tests/install_browser.sh

test: $(READY) browser  ## run all default tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

references: $(READY) browser  ## renew the pictures that the page is compared with; look at them before you commit
	FEWCLICK_RENEW=1 $(BIN)/python -m pytest -q -n 0 tests/app/ui/test_pictures_in_browser.py

lint: $(READY)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -f app/ui/components.pyi  # Gradio writes it at run time; an older one would mislead mypy
	$(BIN)/mypy

check: lint test  ## what CI runs

bench: $(READY)  ## measure speed; benchmarks/README.md holds the tables
	for script in $(BENCHES); do $(BIN)/python $$script || exit 1; done

bench-encoder: $(READY)  ## compare the built-in encoder with other features, on data sets in DATA=folder
	$(BIN)/python benchmarks/encoders.py --data $(DATA)

docs: $(READY)  ## write the generated pages of docs/ anew
	$(BIN)/python -m docs.generate

train-builtin: $(READY)  ## train the built-in models from data sets in DATA=folder (hours)
	$(BIN)/python -m prompts.builtin.training.train --data $(DATA) --out runs/promptable --stage sets
	$(BIN)/python -m prompts.builtin.training.judge --data $(DATA) --weights runs/promptable/weights.safetensors --out runs/promptable/judged.safetensors
	$(BIN)/python -m alcore.encoders.training.train --data $(DATA) --out runs/encoder

clean:  ## remove the environment and the demo workspace
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache
