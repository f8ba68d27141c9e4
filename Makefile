PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COMPILE := $(BIN)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options --newline lf
# What the checks run under, whatever .env and the shell say; it protects nothing.
CHECKED := env -u DATABASE_URL DJANGO_DEBUG=true ALLOWED_HOSTS=api.example.com \
	DJANGO_SECRET_KEY=7e2e2421bc067eb5c9f9b7cdac1b31b748e59289d49d8d78ed74a15560d890b2 \
	BETTER_AUTH_SECRET=e6dcead990c22735ed4cedeac5afd470b5a1f3b39e5a0b92c9e0c9884204c49c

.DEFAULT_GOAL := help
.PHONY: help run setup test test-pg15 test-pgbouncer check audit bench format lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUNTIME) ## set up what serving needs, migrate and serve (HOST, PORT, WORKERS)
	@exec $(BIN)/python -m todoproject.serve

setup: $(DEVELOPMENT) ## make .venv with everything for development, as locked

test: $(DEVELOPMENT) ## run the whole suite with its coverage
	@$(BIN)/python -m pytest -n auto --cov --cov-report=
	@$(BIN)/coverage report --fail-under=95 >$(VENV)/.coverage-report || { cat $(VENV)/.coverage-report; exit 1; }
	@$(BIN)/coverage report --fail-under=100 --include='authn/*' >$(VENV)/.coverage-report || { cat $(VENV)/.coverage-report; exit 1; }

test-pg15: $(DEVELOPMENT) ## run the suite on the PostgreSQL whose initdb and postgres are on PATH
	@scripts/with-postgres $(BIN)/python -m pytest -n auto

test-pgbouncer: $(DEVELOPMENT) ## run the tests of the task API behind PgBouncer in transaction mode
	@$(BIN)/python -m tests.operations.through_pooler tests/tasks -n auto -k "not processes and not plans"

check: $(DEVELOPMENT) ## lint, types, missing migrations, deployment settings, contract, known weaknesses
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(CHECKED) $(BIN)/mypy
	@$(CHECKED) $(BIN)/python manage.py makemigrations --check --dry-run --verbosity 0
	@$(CHECKED) DJANGO_DEBUG=false $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(CHECKED) $(BIN)/python manage.py openapi --check
	@$(BIN)/bandit --quiet --recursive --configfile pyproject.toml manage.py authn tasks todoproject
	@echo "All checks passed."

audit: $(DEVELOPMENT) ## look the locked packages up among known vulnerabilities (asks a service on the network)
	@$(BIN)/python scripts/audit.py requirements-dev.lock

bench: $(DEVELOPMENT) ## measure beside the peers, on this machine (QUICK=1: under two minutes)
	@$(BIN)/python -m bench $(if $(QUICK),--quick)

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
