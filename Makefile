PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options --newline lf

.DEFAULT_GOAL := help
.PHONY: help run setup test test-pg15 check format lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUNTIME) ## set up what serving needs, migrate and serve (HOST, PORT, WORKERS)
	@exec $(BIN)/python -m todoproject.serve

setup: $(DEVELOPMENT) ## make .venv with everything for development, as locked

test: $(DEVELOPMENT) ## run the whole suite with its coverage
	@$(BIN)/python -m pytest -n auto --cov --cov-report=term

test-pg15: $(DEVELOPMENT) ## run the suite on the PostgreSQL whose initdb and postgres are on PATH
	@scripts/with-postgres $(BIN)/python -m pytest -n auto

check: $(DEVELOPMENT) ## lint, types, missing migrations, deployment settings, contract, known vulnerabilities
	@$(BIN)/python -m todoproject.quality

format: $(DEVELOPMENT) ## format the code
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

lock: $(DEVELOPMENT) ## write the lock files anew from pyproject.toml
	$(COMPILE) --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

clean: ## remove .venv and caches; the database and .env stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3-venv is needed (apt install python3-venv)" >&2; exit 1; }

$(RUNTIME): requirements.lock | $(BIN)/python
	@echo "Installing the locked packages ..."
	@$(PIP) install --require-hashes --no-deps --requirement requirements.lock
	@touch $@

$(DEVELOPMENT): requirements-dev.lock | $(BIN)/python
	@echo "Installing the locked packages for development ..."
	@$(PIP) install --require-hashes --no-deps --requirement requirements-dev.lock
	@touch $@ $(RUNTIME)
