# devgate's commands for a checkout. Needs Python 3.11 or newer and make; everything else comes from requirements/*.lock.
#
#   make up [PROFILE=demo] [ARGS=...]     make test [ARGS=tests/policy]     make test PYTHON=python3.13

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PROFILE ?= demo
ARGS ?=

# Without PYTHON the first one that is new enough. A Python that was named gets an environment of its own: it must never
# seem to be tested while the environment of another is used.
ifeq ($(origin PYTHON),undefined)
PYTHON = $(firstword $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p; done) python3)
VENV ?= .venv
else ifndef VENV
VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
endif

bin := $(VENV)/bin
pip := $(bin)/python -m pip --disable-pip-version-check -qq
lock := $(bin)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet $(ARGS)

# Every test that starts a devgate would compile all of its modules.
unexport PYTHONDONTWRITEBYTECODE

# Runs a command that says nothing unless it fails.
quietly = @out=$$($(1) 2>&1) || { status=$$?; printf '%s\n' "$$out"; exit $$status; }

.PHONY: help up test lint bench lock bundle pictures clean

help: ## Lists the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

up: $(VENV)/project.stamp ## Sets up what is missing, then runs devgate with the demo profile.
	@$(bin)/devgate up $(PROFILE) $(ARGS)

test: lint ## Runs the checks and the whole test suite, three files at once (ARGS="-n 0": one).
	@$(bin)/pytest -q -n 3 --dist loadfile $(ARGS)

lint: $(VENV)/dev.stamp ## Runs the checks only: ruff, formatting, types, import contracts.
	$(call quietly,$(bin)/ruff check)
	$(call quietly,$(bin)/ruff format --check)
	$(call quietly,$(bin)/mypy)
	$(call quietly,$(bin)/lint-imports --no-logo)

bench: $(VENV)/dev.stamp ## Measures against other proxies (needs wrk, node, npm), streams, a start, doing nothing, the screen, and restarts under load; fails below a floor.
	@failed=; for what in proxying streams startup idle ticks screen under_load; do \
	  echo "== $$what"; $(bin)/python -m benchmarks.$$what || failed="$$failed $$what"; \
	done; [ -z "$$failed" ] || { echo "Not reached:$$failed"; exit 1; }

bundle: $(VENV)/dev.stamp ## Builds dist/devgate, which runs without Python (ONEFILE=1: one file, a Tauri sidecar).
	$(call quietly,$(bin)/pyinstaller --noconfirm --log-level WARN devgate.spec)
	@ls -dt dist/devgate* | head -n 1

lock: $(VENV)/dev.stamp ## Writes the locks again (ARGS=--upgrade: with the newest versions).
	@$(lock) pyproject.toml --group dev --output-file requirements/dev.lock
	@$(lock) pyproject.toml --constraint requirements/dev.lock --output-file requirements/runtime.lock
	@$(lock) --group build --constraint requirements/dev.lock --output-file requirements/build.lock

pictures: $(VENV)/dev.stamp ## Draws the README's pictures of the screen again.
	@TZ=UTC $(bin)/python -m scripts.pictures

clean: ## Removes what was built and cached; the environments stay.
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis snapshot_report.html
	@find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +

# The environment, in steps that run again only when what they install has changed. The interpreter itself is the first
# target: when the system's Python is gone or newer, everything after it is done again.
$(bin)/python:
	@command -v $(PYTHON) >/dev/null || { echo "devgate needs Python 3.11 or newer, and $(PYTHON) is not on the PATH."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "devgate needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	  "Install a newer one, or name it: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/runtime.stamp: $(bin)/python requirements/runtime.lock requirements/build.lock
	@echo "Installing what devgate needs"
	@$(pip) install --require-hashes -r requirements/runtime.lock -r requirements/build.lock
	@touch $@

$(VENV)/project.stamp: $(VENV)/runtime.stamp pyproject.toml devgate/__init__.py
	@$(pip) install --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/project.stamp requirements/dev.lock
	@echo "Installing what its tests need"
	@$(pip) install --require-hashes -r requirements/dev.lock
	@touch $@
