# Everything sets itself up: `make run` and `make test` work on a fresh machine with Python 3.11, git and make.

# The first that runs: the name alone may be a pyenv shim without a Python behind it.
PYTHON ?= $(or $(shell for name in python3.11 python3.12 python3.13 python3; do $$name -c '' 2>&- && echo $$name && break; done),python3)
BIN := .venv/bin
READY := .venv/.ready
TRAIN := .venv/.ready-train
export OMP_NUM_THREADS ?= 1

.PHONY: help setup setup-train run check test test-all measure bench bench-all kills clean
help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## make .venv with the pinned packages
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=/path/to/it") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

setup-train: $(TRAIN)  ## the same with what training needs
$(TRAIN): $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,train]'
	@touch $@

run: setup  ## run one session for each cell of the taxonomy (ARGS="--count 20" for fewer)
	$(BIN)/python -m graphs.run --taxonomy taxonomy/emotions.yaml $(ARGS)

check: setup-train  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: setup-train  ## the tests, with what they need from the system
	$(BIN)/python -m tests.system_packages
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-all: setup-train  ## all tests, also those that take long
	$(BIN)/python -m tests.system_packages
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "" $(ARGS)

measure: setup  ## run 480 sessions in a folder of their own and print the figures the README promises
	$(BIN)/python -m tests.bench.figures

bench: setup  ## speed beside an asyncio script and LangGraph with its checkpointer, into docs/performance.md
	$(BIN)/python -m tests.bench.engines --write docs/performance.md

bench-all: setup  ## the same with spread latencies, faults, and a kill at half
	$(BIN)/python -m tests.bench.engines --all --write docs/performance.md

kills: setup  ## kill runs at 200 moments and hold the ledger against the server's log
	$(BIN)/python -m tests.bench.kills

clean:  ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
