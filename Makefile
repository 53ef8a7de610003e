# Two commands are enough: `make demo` and `make test`. Everything else is for daily work.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOWEST := .venv-lowest
# The targets below work on the embedded Postgres; a production shell sets its own.
export NOTIFYDB_ENVIRONMENT ?= development
SYSTEM_POSTGRES := $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin/pg_ctl)))
# The tests start notifydb a thousand times, and each start would compile it anew.
unexport PYTHONDONTWRITEBYTECODE
export MESSAGE ?=
export PREFIX ?= notify-tests-preview

.PHONY: help demo test test-unit test-system test-lowest check lint types layers docs docs-traced docs-check bench bench-purge chaos purge-chaos \
        upgrade migration renumber purge db-start db-stop db-psql db-reset clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "notifydb needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV) (once)"
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(READY) ## The whole story on the embedded Postgres, in under a minute
	@$(BIN)/notifydb demo

test: $(READY) ## All tests: on the embedded Postgres, then on a system one where there is one
	@$(BIN)/pytest -n 2
	@$(MAKE) --no-print-directory test-system

test-unit: $(READY) ## The tests that need no Postgres
	@$(BIN)/pytest tests/unit tests/test_architecture.py

test-system: $(READY) ## The Postgres tier on a system Postgres, where there is one
ifneq ($(SYSTEM_POSTGRES),)
	@echo "again on $(dir $(SYSTEM_POSTGRES))"
	@$(BIN)/pytest -n 2 tests/postgres tests/rules -k "not without_a_database" --postgres-bin $(dir $(SYSTEM_POSTGRES))
else
	@echo "no system Postgres here: the embedded one was all"
endif

test-lowest: ## All tests with the lowest supported Alembic and SQLAlchemy
	@test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	@$(LOWEST)/bin/pip install --quiet --disable-pip-version-check --constraint tests/lowest.txt --editable '.[dev]'
	@$(LOWEST)/bin/pytest -n 2 tests/postgres tests/cli tests/unit

check: lint types layers docs-check test ## All that CI checks

lint: $(READY) ## ruff: rules and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet

types: $(READY) ## mypy, strict
	@$(BIN)/mypy

layers: $(READY) ## Who may import whom
	@$(BIN)/lint-imports

docs: $(READY) ## Write the pages that are made from the code
	@$(BIN)/python docs/generate.py

docs-traced: $(READY) ## Record what lint says where only the trace knows, on the embedded Postgres
	@$(BIN)/python docs/traced.py

docs-check: $(READY) ## Fail where a generated page is stale
	@$(BIN)/python docs/generate.py --check

bench: $(READY) ## Time notifydb beside plain Alembic, and its lint beside squawk
	@$(BIN)/pip install --quiet --disable-pip-version-check squawk-cli
	@$(BIN)/python benchmarks/graph.py
	@$(BIN)/python benchmarks/lint.py
	@$(BIN)/python benchmarks/upgrade.py

bench-purge: $(READY) ## Time a purge beside a script written by hand (takes a while)
	@$(BIN)/python benchmarks/purge.py

chaos: $(READY) ## Kill, block and starve runs of migrations: make chaos CHAOS="--quick --seed 1 kills"
	@PYTHONPATH=tests $(BIN)/python -m chaos $(CHAOS)

purge-chaos: $(READY) ## Kill, cut and crash purges and restores: make purge-chaos CHAOS="--seed 1 --stories 20"
	@PYTHONPATH=tests $(BIN)/python -m purge_chaos $(CHAOS)

upgrade: $(READY) ## Upgrade the database of the settings (in development: the embedded one)
	@$(BIN)/notifydb upgrade

migration: $(READY) ## Write the next migration: make migration MESSAGE="add login uuid"
	@$(BIN)/notifydb migrate new -m "$$MESSAGE"

renumber: $(READY) ## Put the migrations into one numbered line
	@$(BIN)/notifydb migrate renumber

purge: $(READY) ## Show what a purge would delete: make purge PREFIX=notify-tests-preview
	@$(BIN)/notifydb purge --prefix "$$PREFIX" --dry-run

db-start: $(READY) ## Start the embedded Postgres
	@$(BIN)/notifydb db start

db-stop: $(READY) ## Stop the embedded Postgres
	@$(BIN)/notifydb db stop

db-psql: $(READY) ## Open psql on the embedded Postgres
	@$(BIN)/notifydb db psql

db-reset: $(READY) ## Drop everything in the embedded Postgres (asks for the name)
	@$(BIN)/notifydb db reset

clean: ## Stop the embedded Postgres and remove what was built
	@test ! -x $(BIN)/notifydb || $(BIN)/notifydb db stop
	@rm -rf $(VENV) $(LOWEST) .notifydb .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
