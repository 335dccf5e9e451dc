# All tasks of this repository; `make` lists them. They need git, make, and Python 3.11 or newer with
# venv.

.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
ARGS ?=

# uv must not download a Python: that would add a host to reach and a Python to trust.
UV_PYTHON_DOWNLOADS ?= never
export UV_PYTHON_DOWNLOADS
export UV_PROJECT_ENVIRONMENT := .venv
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE

# Use the machine's uv unless it is too old for our lock file; otherwise install one into .uv with pip.
UV_REQUIREMENTS := scripts/uv-requirements.txt
UV := $(shell command -v uv >/dev/null 2>&1 && \
	case "$$(uv --version)" in ("uv 0."[0-8].*) ;; ("uv "*) command -v uv ;; esac)
ifeq ($(UV),)
UV := .uv/bin/uv
BOOTSTRAP := .uv/bin/uv
endif

.PHONY: help
help:
	@echo "To try the API: make run. All targets:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/.synced ## Serve the API on port 8000 (PORT=n) with its own PostgreSQL and Valkey; reload on change
	@exec $(BIN)/scholarship-api dev $(ARGS)

.PHONY: test
test: .venv/.synced ## Run the tests in parallel, on their own servers (ARGS="-k search")
	@exec $(BIN)/pytest -n auto $(ARGS)

.PHONY: bench
bench: .venv/.benchmarks ## Measure every performance goal and print one table (ARGS="--only ...")
	@exec $(BIN)/python -m benchmarks $(ARGS)

.PHONY: soak
soak: .venv/.synced ## Run ten minutes of mixed load while servers fail (ARGS="--quick --seed 7")
	@exec $(BIN)/python -m soak $(ARGS)

# FUZZ_FACTOR multiplies the number of requests that `make test` sends; 40 gives more than 100 000.
FUZZ_FACTOR ?= 40

.PHONY: fuzz
fuzz: .venv/.synced ## Send more than 100 000 generated requests (FUZZ_FACTOR=n, FUZZ_SEED=n)
	@FUZZ_FACTOR=$(FUZZ_FACTOR) exec $(BIN)/pytest tests/fuzz -n auto $(ARGS)

.PHONY: check
check: .venv/.synced ## Check style, prose, types and the direction of imports; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check-prose
	$(BIN)/hadolint Dockerfile
	PATH="$(BIN):$$PATH" shellcheck $$(grep -rlE '^#!/(bin/sh|usr/bin/env bash)$$' .ci .github deploy scripts)
	$(BIN)/zizmor --offline --quiet --persona=pedantic .github

.PHONY: format
format: .venv/.synced ## Format the code and apply the linter's fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: $(BOOTSTRAP) ## Update uv.lock after a change of pyproject.toml (ARGS=--upgrade: newest versions)
	$(UV) lock $(ARGS)

IMAGE ?= scholarship-api:local
# The label ends with -dirty when there are uncommitted changes.
REVISION = $(shell git rev-parse HEAD)$(shell git diff --quiet HEAD || echo -dirty)
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
# Behind a proxy that ends TLS, BUILD_CA_FILE names the certificates to trust during the build.
BUILD_CA_FILE ?=
comma := ,

.PHONY: image
image: ## Build the container image, reproducibly (IMAGE=name:tag)
	docker build --provenance=false --tag $(IMAGE) $(ARGS) \
		--build-arg SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
		$(if $(BUILD_CA_FILE),--secret id=ca$(comma)src=$(BUILD_CA_FILE)) .

.PHONY: up
up: image ## Run the image with PostgreSQL and Redis in containers, on port 8000 (API_PORT=n)
	@deploy/compose/make-secrets
	@API_IMAGE=$(IMAGE) docker compose up --detach --wait --no-build

.PHONY: down
down: ## Stop the containers of `make up`; the data stay (ARGS=--volumes deletes them)
	@API_IMAGE=$(IMAGE) docker compose down $(ARGS)

.PHONY: test-container
test-container: .venv/.synced ## Build the image twice and test it, alone and in its compose stack
	@CONTAINER_TESTS=1 $(BIN)/pytest tests/container $(ARGS)

SBOM ?= dist

.PHONY: sbom
sbom: .venv/.synced ## List the contents of the image as CycloneDX and SPDX (IMAGE=name:tag, SBOM=folder)
	@$(BIN)/python -m deploy.supply_chain.sbom $(IMAGE) --output $(SBOM)

.PHONY: audit
audit: .venv/.synced ## Look up every locked package; fail when one is vulnerable or cannot be looked up
	@$(BIN)/python -m deploy.supply_chain.audit $(ARGS)

.PHONY: licences
licences: .venv/.synced ## Check the licences of all packages that are delivered
	@$(BIN)/python -m deploy.supply_chain.licences $(ARGS)

.PHONY: verify-base
verify-base: ## Verify the signatures of the base images of the Dockerfile (needs cosign, gh)
	@deploy/supply_chain/verify-base-images

.PHONY: clean
clean: ## Remove the environment, caches and builds; the data in .dev stay
	rm -rf .venv .uv build dist .cache .hypothesis .*_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# The stamp is inside the environment, so that it is deleted with it.
.venv/.synced: pyproject.toml uv.lock $(BOOTSTRAP)
	@$(UV) sync --frozen --compile-bytecode
	@touch $@

.venv/.benchmarks: .venv/.synced
	@$(UV) sync --frozen --compile-bytecode --group benchmarks
	@touch $@

.uv/bin/uv: $(UV_REQUIREMENTS)
	@for python in python3.14 python3.13 python3.12 python3.11 python3; do \
		if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
			>/dev/null 2>&1; then \
			echo "Getting uv into .uv ($$($$python --version))"; \
			rm -rf .uv && $$python -m venv .uv && \
			.uv/bin/python -m pip install --quiet --disable-pip-version-check \
				--require-hashes --requirement $(UV_REQUIREMENTS) && exit; \
			rm -rf .uv; exit 1; \
		fi; \
	done; \
	echo "No Python 3.11 or newer with the modules venv and ensurepip was found on PATH." >&2; \
	echo "Install one (Debian and Ubuntu: apt install python3-venv), or install uv." >&2; \
	exit 1
