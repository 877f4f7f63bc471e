# The verbs of this project; `make help` lists them.
# `make lab` and `make test` are all that most people need. Each sets up .venv first when that is needed.

# Only PYTHON is taken over from the environment. The others are what stands on the command line of make, or empty.
PYTHON ?= python3
LESSON :=
DATASETS :=
FAULTS :=
JSON :=
NAME :=
FOLDER :=
TO :=
RECIPE :=
DATA :=
PYTEST_ARGS :=

# A user's settings of Python, pytest and the terminal do not reach the programs that are started here.
unexport $(filter-out PYTHON PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX PYTHONUNBUFFERED,$(filter PYTHON%,$(.VARIABLES))) \
	PYTEST_ADDOPTS PYTEST_PLUGINS PYTEST_DISABLE_PLUGIN_AUTOLOAD COLUMNS LINES FORCE_COLOR GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export PYTHONUTF8 := 1

RUN  := .venv/bin/python
RUFF := .venv/bin/ruff

# What a test run consists of stands there, for systems without make, too.
DO = "$(PYTHON)" -I scripts/do.py$(if $(LESSON), --lesson "$(LESSON)")

.DEFAULT_GOAL := help
.PHONY: help lab test test-all check data unit notebooks browser real explore faults bench benchmark-cifar trial \
	refresh site lint format lock update doctor rehearse learner instructor hand-in class reset-progress teaching clean \
	set-up set-up-site check-python handout slides colab

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile
	@echo '  Options: PYTHON=python3.12  LESSON=03 (check, refresh, notebooks)  DATASETS="mnist" (data)  PYTEST_ARGS="-k stepper"'
	@echo '           FAULTS="gabor models-3" (faults)  NAME="Ada Lovelace" (hand-in)  FOLDER=… (class)  TO=… (learner, instructor)'
	@echo '           DATA=cifar10, critters or a folder (benchmark-cifar, trial)  RECIPE=my_recipe.py (trial)'

lab: check-python  ## Open the lessons in JupyterLab
	@$(DO) lab

test: check-python  ## Run every check: lint, unit, notebook and browser tests
	@$(DO) test $(PYTEST_ARGS)

test-all: check-python  ## The same with all that is tried on everything, and twice: about an hour
	@$(DO) test-all $(PYTEST_ARGS)

check: check-python  ## What an author of one lesson needs: style, house rules, exercises and outputs of LESSON=03
	@[ -n "$(LESSON)" ] || { echo 'Name a lesson: make check LESSON=03'; exit 2; }
	@$(DO) check $(PYTEST_ARGS)

lint: check-python  ## Check style of code and notebooks
	@$(DO) lint

unit: check-python  ## Unit tests of helpers, house rules of the notebooks
	@$(DO) unit $(PYTEST_ARGS)

data: check-python  ## Fill the cache folder before a lesson asks: the critters, and DATASETS="cifar10 …" or all
	@$(DO) data $(DATASETS)

notebooks: check-python  ## Run each lesson without network and compare with what is stored
	@$(DO) notebooks $(PYTEST_ARGS)

browser: check-python  ## Open each lesson in JupyterLab in headless Chromium and move its widgets
	@$(DO) browser $(PYTEST_ARGS)

real: check-python  ## The tests on real datasets, from the folder that CNN_LESSONS_REAL_DATA names
	@$(DO) real $(PYTEST_ARGS)

explore: check-python  ## Try the property tests on new random examples, ten times as many
	@$(DO) explore $(PYTEST_ARGS)

faults: set-up  ## Put deliberate faults into helpers, one at a time, and see which tests notice
	$(RUN) scripts/try_faults.py --jobs 2 $(FAULTS)

bench: set-up  ## Measure how fast sliders and explanations answer, beside the usual ways
	$(RUN) -m pip install --disable-pip-version-check --quiet --no-deps --requirement benchmarks/requirements.txt
	PYTHONPATH=tests:tests/browser $(RUN) benchmarks/widgets.py
	$(RUN) benchmarks/explain.py

benchmark-cifar: set-up  ## Train the recipes of lesson 11 on CIFAR-10 against the clock: about an hour
	$(RUN) scripts/benchmark_cifar.py $(if $(DATA),--data "$(DATA)")

trial: set-up  ## Train a recipe of your own under the same clock: make trial RECIPE=my_recipe.py
	@[ -n "$(RECIPE)" ] || { echo 'Name a recipe: copy scripts/my_recipe.py, and make trial RECIPE=my_recipe.py'; exit 2; }
	$(RUN) scripts/benchmark_cifar.py --recipe "$(RECIPE)" $(if $(DATA),--data "$(DATA)")

refresh: data  ## Run lessons in place and store their outputs (LESSON=03 for one)
	$(RUN) scripts/refresh.py $(LESSON)

site: set-up-site  ## Make the lessons into static pages, in the folder site (LESSON=03 for one)
	$(RUN) scripts/make_site.py $(LESSON)

handout: set-up-site  ## Print the lessons as PDF for paper, into the folder handout (LESSON=03 for one)
	$(RUN) scripts/make_handout.py $(LESSON)

slides: set-up-site  ## Make slides of the lessons, into the folder slides (LESSON=03 for one)
	$(RUN) scripts/make_slides.py $(LESSON)

colab: set-up  ## Write copies of the lessons for Colab, into the folder colab
	@$(RUN) scripts/make_colab.py

format: set-up  ## Format code and notebooks
	$(RUFF) check --fix .
	$(RUFF) format .

lock: set-up  ## Resolve the newest allowed packages into the locks, and say what they change in the lessons
	@"$(PYTHON)" -I scripts/lock.py $(LESSON)

update:  ## Get the newest lessons; what you typed is kept in notebooks/mine
	@"$(PYTHON)" -I scripts/update.py

doctor:  ## Look at this computer: each thing is fine, or what mends it (JSON=1 for help from afar)
	@$(DO) doctor $(if $(JSON),--json)

rehearse: data  ## The evening before: doctor, data, all lessons, the time of each cell (LESSON=03 for one)
	@$(RUN) scripts/rehearse.py $(LESSON)

learner: set-up  ## Write the lessons to hand out, without solutions, notes and outputs (TO=…)
	@$(RUN) scripts/hand_out.py learner

instructor: set-up  ## Write the lessons with solutions and notes open (TO=…)
	@$(RUN) scripts/hand_out.py instructor

hand-in: set-up  ## Put what you have done into one file for whoever teaches: NAME="Ada Lovelace"
	@$(RUN) scripts/classroom.py hand-in

class: set-up  ## Make one page of the files that learners handed in: FOLDER=…
	@$(RUN) scripts/classroom.py class

reset-progress: set-up  ## Forget which exercises were done on this computer
	@$(RUN) -c "from helpers import progress; print('Forgotten.' if progress.forget() else 'There was nothing to forget.')"

teaching: set-up  ## Make anew what is made from the lessons for those who teach
	@$(RUN) scripts/make_teaching.py

clean:  ## Remove .venv and the caches in this folder
	rm -rf .venv .venv.new .venv.old .venv.lock .pytest_cache .ruff_cache .hypothesis

set-up: check-python
	@"$(PYTHON)" -I scripts/set_up.py

set-up-site: set-up
	@"$(PYTHON)" -I scripts/set_up.py --site

check-python:
	@case "$$("$(PYTHON)" -I -c 'import sys; print("%d.%d." % sys.version_info[:2])' 2>/dev/null)" in \
		3.11.*|3.12.*|3.13.*) ;; \
		*) echo "These lessons need Python 3.11, 3.12 or 3.13, which '$(PYTHON)' is not."; \
		   echo "Install one of these and name it: make … PYTHON=python3.12"; exit 1;; esac
