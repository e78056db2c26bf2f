# KillReport: everything a user or developer types. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint bench reference lock clean

# The first interpreter on PATH that is new enough; `make PYTHON=/path/to/python run` overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
READY := .venv/.installed

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 8

run: $(READY) ## a running KillReport: site, API, worker and all they need (Ctrl-C stops it)
	@exec $(BIN)/python -m cli up

test: $(READY) lint ## lint, then every test
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(READY) ## ruff, import-linter and mypy --strict
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m mypy .

bench: $(READY) ## every claim of speed, as a ratio against a named alternative in the same run
	$(BIN)/python -m cli bench

reference: $(READY) ## write docs/graphql.md anew from schema.graphql and docs/queries
	$(BIN)/python -m api.graphql.reference

# The commands below are the head of the files they write; Renovate reads them there and repeats them, so every option
# has its value behind "=". uv writes no address of an index.
lock: $(READY) ## resolve pyproject.toml into requirements.lock and deploy/requirements.lock
	$(BIN)/python -m uv pip compile --universal --python-version=3.11 --generate-hashes --extra=embedded --extra=dev \
		--output-file=requirements.lock pyproject.toml >/dev/null
	$(BIN)/python -m uv pip compile --universal --python-version=3.11 --generate-hashes --constraint=requirements.lock \
		--output-file=deploy/requirements.lock pyproject.toml >/dev/null

clean: ## remove the virtual environment and caches; the data in .killreport stays
	rm -rf .venv tests/node/node_modules .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis *.egg-info

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "KillReport needs Python 3.11 or newer with venv: install it, or say make PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; echo "Could not make .venv: is the venv module there (Debian: apt install python3-venv)?"; exit 1; }
	$(PIP) install -q --require-hashes -r requirements.lock
	$(PIP) install -q --no-deps --no-build-isolation -e .
	@touch $@
