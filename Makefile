# Lathe Studio. `make help` lists what there is to do. Needs Python 3.11 or newer with venv, make and git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet --require-virtualenv
TEST_PROCESSES ?= 2

# Bytes, not locales: a machine without any still reads the sources as UTF-8.
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help install dev browser demo gallery reporter test bench check lint layout types imports format pins clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- setting up: each step leaves a stamp, so that it runs again only when what it reads has changed -------------------

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Lathe Studio needs Python 3.11 or newer; this is " + sys.version)'
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv is missing: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.runtime: $(VENV)/.made requirements/build.txt requirements/runtime.txt pyproject.toml
	@echo "Installing what Lathe Studio needs to run"
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.txt
	@echo "Installing what tests and checks need"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

install: $(VENV)/.runtime ## make .venv/bin/lathe

dev: $(VENV)/.dev ## also install what tests and checks need

browser: dev ## find a Chromium and curl for the tests; on Debian, as root, install them
	@scripts/browser

# --- using it ---------------------------------------------------------------------------------------------------------

demo: install ## start a sample organization and send it builds
	@exec $(BIN)/lathe demo

reporter: install ## build the reporter for CI jobs into dist/: a wheel, single files, an action, a pipe
	@$(BIN)/python scripts/reporter.py

gallery: browser ## take the pictures of docs/gallery anew
	@$(BIN)/python -m tests.gallery

# --- proving it -------------------------------------------------------------------------------------------------------

# The unit tests alone must reach every line and branch of the core; the integration tests then run at full speed.
test: browser ## run all tests, on a real PostgreSQL and in a real browser
	@rm -rf .cache/coverage && mkdir -p .cache/coverage
	$(BIN)/coverage run -m pytest -n $(TEST_PROCESSES) tests/unit
	@$(BIN)/coverage combine --quiet
	@echo "Coverage of the core by the unit tests (must be complete):"
	@$(BIN)/coverage report --include='src/lathe/domain/*,src/lathe/application/*' --fail-under=100
	@echo "And of the reporter:"
	@$(BIN)/coverage report --include='src/lathe_report/*' --fail-under=100
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) tests/integration

# QUICK=1: the headline ratios alone. WRITE=1: the figures of docs/performance.md anew.
bench: dev ## measure what is promised about speed (QUICK=1: in a minute; WRITE=1: into docs/performance.md)
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(WRITE),--write)

check: lint layout types imports ## linters, layout, types, import rules (`make -k check` shows the faults of all)

lint: dev
	$(BIN)/ruff check .

layout: dev
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy

imports: dev
	$(BIN)/lint-imports --cache-dir .cache/imports --no-logo

format: dev ## let the linter mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# --- pins -------------------------------------------------------------------------------------------------------------

# Pinned files carry versions and the hashes of every published file, and no addresses. To raise one package:
# make pins PINS_FLAGS='--upgrade-package starlette'; to raise all: make pins PINS_FLAGS=--upgrade
COMPILE = .cache/pins/bin/uv pip compile --quiet --no-config --system-certs --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate $(PINS_FLAGS)

.cache/pins/.made: requirements/pins.txt
	@$(PYTHON) -m venv .cache/pins
	@.cache/pins/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/pins.txt
	@touch $@

pins: .cache/pins/.made ## write requirements/*.txt anew from pyproject.toml and requirements/*.in
	@$(COMPILE) pyproject.toml --output-file requirements/runtime.txt >/dev/null
	@$(COMPILE) requirements/build.in --constraints requirements/runtime.txt --output-file requirements/build.txt >/dev/null
	@$(COMPILE) requirements/dev.in --constraints requirements/runtime.txt --constraints requirements/build.txt \
		--output-file requirements/dev.txt >/dev/null
	@$(COMPILE) requirements/pins.in --output-file requirements/pins.txt >/dev/null

clean: ## remove everything that these commands made
	rm -rf $(VENV) .cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
