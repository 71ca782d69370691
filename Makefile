.DEFAULT_GOAL := help
.PHONY: help run test lint docs studio lock format faults soak soak-faults fuzz mutants overload deployment clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE :=
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; say: make PYTHON=python3.11 run")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV). This takes a minute or two, once."
	@$(INSTALL) --no-deps --require-hashes --requirement requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --no-deps --require-hashes --requirement requirements-dev.lock
	$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/run.stamp

run: $(VENV)/run.stamp ## Show one decision, then serve on HOST:PORT (SQLite, sample catalogue, no provider key needed)
	@$(BIN)/restock demo
	@$(BIN)/restock serve

# Many tests drive real servers and a browser, which a busy machine can starve. What fails is run once more, alone.
test: $(VENV)/dev.stamp ## Run every test, in three processes
	$(BIN)/pytest --numprocesses 3 || $(BIN)/pytest --last-failed --last-failed-no-failures none

lint: $(VENV)/dev.stamp ## ruff, mypy and import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/dev.stamp ## Build the pages of docs/ as a site in build/site; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

studio: $(VENV)/dev.stamp ## Run the graph under LangGraph Studio's server, in an environment of its own
	$(BIN)/python -m scripts.studio $(STUDIO)

format: $(VENV)/dev.stamp ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: $(VENV)/dev.stamp ## Kill and freeze the service under load; look for what was lost or doubled (SOAK="--kills 200 …")
	$(BIN)/python -m tests.soak trial --database sqlite $(SOAK)
	$(BIN)/python -m tests.soak trial --database postgresql $(SOAK)

soak-faults: $(VENV)/dev.stamp ## Plant faults in the service and see that the soak finds each
	$(BIN)/python -m tests.soak faults --triggers 150 --kills 6 --freezes 0 --patience 15

faults: $(VENV)/dev.stamp ## Put the whole service through every provider fault and write docs/faults.md
	$(BIN)/python -m benchmarks.faults --write docs/faults.md

fuzz: $(VENV)/dev.stamp ## Send a real server what a stranger may send: schemathesis and broken bytes
	$(BIN)/python -m benchmarks.fuzz

mutants: $(VENV)/dev.stamp ## Plant small faults in the code and see that the tests notice (MUTANTS="gate --seed 8")
	$(BIN)/python -m benchmarks.mutants $(MUTANTS)

overload: $(VENV)/dev.stamp ## Offer a real server up to four times what it can do
	$(BIN)/python -m benchmarks.overload

deployment: $(VENV)/dev.stamp ## Build the image and run compose.yaml without a container engine (Debian, as root)
	$(BIN)/python -m scripts.deployment $(DEPLOYMENT)

lock: | $(BIN)/python ## Rebuild requirements.lock and requirements-dev.lock
	$(INSTALL) uv
	$(BIN)/uv pip compile $(LOCK_FLAGS) --extra build --extra dev pyproject.toml --output-file requirements-dev.lock
	$(BIN)/uv pip compile $(LOCK_FLAGS) --extra build --constraint requirements-dev.lock pyproject.toml --output-file requirements.lock

# Left out: it comes along with stockpyl and would import Sphinx at every start of Python.
LOCK_FLAGS := --no-emit-package sphinx-jinja2-compat --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate

clean: ## Remove the virtual environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

.PHONY: backtest
backtest: $(VENV)/dev.stamp ## Look back on the sample catalogue, or on DATA=file.csv, and write backtest.html
	$(BIN)/restock backtest $(DATA) --report backtest.html
