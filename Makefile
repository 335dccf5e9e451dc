# Everything that is done with this repository. `make` lists it; nothing needs to be installed first
# but git, make and Python 3.11 or newer with venv.

.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
ARGS ?=

# uv never fetches a Python: that would be another host to reach, and another Python to trust.
UV_PYTHON_DOWNLOADS ?= never
export UV_PYTHON_DOWNLOADS
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

# A uv that the machine has, unless it is too old for our lock; else one in .uv, from pip.
UV_REQUIREMENT := uv>=0.13,<0.14
UV := $(shell command -v uv >/dev/null 2>&1 && \
	case "$$(uv --version)" in ("uv 0."[0-8].*) ;; ("uv "*) command -v uv ;; esac)
ifeq ($(UV),)
UV := .uv/bin/uv
BOOTSTRAP := .uv/bin/uv
endif

.PHONY: help
help:
	@echo "make run      is all it takes to try the API. Targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/.synced ## Serve the API on port 8000 (PORT=n) with servers of its own, reload on change
	@exec $(BIN)/scholarship-api dev $(ARGS)

.PHONY: test
test: .venv/.synced ## Run the tests in parallel, with servers of their own (ARGS="-k search")
	@exec $(BIN)/pytest -n auto $(ARGS)

.PHONY: check
check: .venv/.synced ## Check style, types and the direction of imports; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: .venv/.synced ## Format the code and repair what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: $(BOOTSTRAP) ## Update uv.lock after a change of pyproject.toml (ARGS=--upgrade: newest versions)
	$(UV) lock $(ARGS)

.PHONY: clean
clean: ## Remove the environment, caches and builds; the data in .dev stay
	rm -rf .venv .uv build dist .cache .hypothesis .*_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The stamp lies in the environment, so that it goes with it.
.venv/.synced: pyproject.toml uv.lock $(BOOTSTRAP)
	@$(UV) sync --frozen
	@touch $@

.uv/bin/uv:
	@for python in python3.14 python3.13 python3.12 python3.11 python3; do \
		if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
			>/dev/null 2>&1; then \
			echo "Getting uv into .uv ($$($$python --version))"; \
			rm -rf .uv && $$python -m venv .uv && \
			.uv/bin/python -m pip install --quiet --disable-pip-version-check \
				'$(UV_REQUIREMENT)' && exit; \
			rm -rf .uv; exit 1; \
		fi; \
	done; \
	echo "No Python 3.11 or newer with the modules venv and ensurepip was found on PATH." >&2; \
	echo "Install one (Debian and Ubuntu: apt install python3-venv), or install uv." >&2; \
	exit 1
