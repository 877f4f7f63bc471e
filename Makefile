# The verbs of this project; `make help` lists them.
# `make lab` and `make test` are all that most people need. Each sets up .venv first when that is needed.

PYTHON ?= python3
VENV   ?= .venv
LESSON ?=
DATASETS ?=
PYTEST_ARGS ?=

# All tests run on all cores, with one thread of TensorFlow for each of them, which is faster in sum. More than four
# Pythons with TensorFlow need too much memory. PYTEST_ARGS="-n0" turns this off.
WORKERS := -n auto --maxprocesses 4
ONE_EACH := TF_NUM_INTRAOP_THREADS=1 OMP_NUM_THREADS=1

BIN   := $(VENV)/bin
FOUND := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null)
READY := $(VENV)/.ready-$(FOUND)

.DEFAULT_GOAL := help
.PHONY: help lab test data unit notebooks browser bench refresh lint format lock clean check-python

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  Options: PYTHON=python3.12  LESSON=03 (refresh, notebooks)  DATASETS="mnist" (data)  PYTEST_ARGS="-k stepper"'

lab: $(READY)  ## Open the lessons in JupyterLab
	$(BIN)/python scripts/lab.py

test: $(READY)  ## Run every check: lint, unit, notebook and browser tests
	$(MAKE) --no-print-directory lint unit notebooks browser

lint: $(READY)  ## Check style of code and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

unit: $(READY)  ## Unit tests of helpers, house rules of the notebooks
	$(ONE_EACH) $(BIN)/python -m pytest tests --ignore tests/browser $(WORKERS) --dist worksteal $(PYTEST_ARGS)

data: $(READY)  ## Fill the cache folder before a lesson asks: the critters, and DATASETS="cifar10 …" or all
	@$(BIN)/python scripts/make_data.py $(DATASETS)

notebooks: data  ## Run each lesson without network and compare with what is stored
	$(ONE_EACH) PYTHONPATH="$(CURDIR)/tests/offline" $(BIN)/python -m pytest --nbval --nbval-current-env \
		--nbval-sanitize-with tests/sanitize.cfg --nbval-cell-timeout 300 \
		--nbval-kernel-startup-timeout 180 -p no:python -p no:playwright $(WORKERS) --dist loadfile $(PYTEST_ARGS) \
		$(if $(LESSON),notebooks/$(LESSON)_*.ipynb,notebooks)

browser: data  ## Open each lesson in JupyterLab in headless Chromium and move its widgets
	$(ONE_EACH) $(BIN)/python -m pytest tests/browser $(WORKERS) --dist load $(PYTEST_ARGS)

bench: $(READY)  ## Measure how fast sliders and explanations answer, beside the usual ways
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --requirement benchmarks/requirements.txt
	PYTHONPATH="$(CURDIR)/tests/browser" $(BIN)/python benchmarks/widgets.py
	$(BIN)/python benchmarks/explain.py

refresh: data  ## Run lessons in place and store their outputs (LESSON=03 for one)
	$(BIN)/python scripts/refresh.py $(LESSON)

format: $(READY)  ## Format code and notebooks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(READY)  ## Resolve the newest allowed packages into requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
		--no-emit-index-url --no-header --quiet -o requirements.lock

clean:  ## Remove .venv and caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis

# A venv of another Python version, or of an older lock, is made anew; otherwise this does nothing.
$(READY): requirements.lock | check-python
	@[ ! -e $(VENV) ] || [ -f $(VENV)/pyvenv.cfg ] || { echo "$(VENV) is not a virtual environment; not touching it."; exit 1; }
	@echo "Setting up $(VENV) with Python $(FOUND) (a few minutes, once) …"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { echo "The venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --requirement requirements.lock
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --editable .
	@touch $@

check-python:
	@case "$(FOUND)" in \
		3.11.*|3.12.*|3.13.*) ;; \
		*) echo "These lessons need Python 3.11, 3.12 or 3.13, but '$(PYTHON)' is '$(FOUND)'."; \
		   echo "Install one of these and name it: make … PYTHON=/path/to/python3.12"; exit 1;; esac
