# The only doors to the project's tooling. Each needs nothing but Python 3.11+ and itself.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# NATIVE=1 builds the library behind password hashes from its source, for this very processor.
NATIVE ?=
STAMP  := $(VENV)/.installed$(if $(NATIVE),-native)
SOURCE := $(if $(NATIVE),--no-build-isolation --no-cache-dir --no-binary argon2-cffi-bindings)
# By file, in their order: files with few tests are among the longest, and must not come last.
SPREAD := --numprocesses auto --dist loadfile --no-loadscope-reorder
RUFF_PATHS := identra plugins tests bench ansible

.PHONY: install run test test-all test-ansible chaos variables lint format proto translations bench lock clean

install: $(STAMP)

$(STAMP): requirements.lock native.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Identra needs Python 3.11 or newer; set PYTHON=") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -z "$(NATIVE)" || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r native.lock
	test -z "$(NATIVE)" || $(BIN)/python -m pip uninstall --quiet --disable-pip-version-check --yes argon2-cffi-bindings
	$(if $(NATIVE),CFLAGS="-O3 -march=native" )$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps $(SOURCE) -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q identra plugins
	touch $(VENV)/.installed $(STAMP)

run: $(STAMP)
	$(BIN)/identra serve --dev

test: $(STAMP)
	$(BIN)/python -m pytest $(SPREAD)

test-all: $(STAMP)
	$(BIN)/python -m pytest $(SPREAD) --everywhere

test-ansible: $(STAMP)
	$(BIN)/python -m pytest ansible/tests

# How long the soak takes, how many operations a trial has, and what is drawn from: a new seed each time.
CHAOS_SOAK ?= 20m
CHAOS_OPERATIONS ?= 10000
CHAOS_SEED ?=

chaos: $(STAMP)
	$(BIN)/python -m pytest tests/live/faults --chaos --capture=no --verbose --chaos-soak $(CHAOS_SOAK) --chaos-operations $(CHAOS_OPERATIONS) $(if $(CHAOS_SEED),--chaos-seed $(CHAOS_SEED))

variables: $(STAMP)
	$(BIN)/python ansible/reference.py

lint: $(STAMP)
	$(BIN)/ruff check $(RUFF_PATHS)
	$(BIN)/ruff format --check $(RUFF_PATHS)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	cd ansible && PATH="$(CURDIR)/$(BIN):$$PATH" yamllint --strict . && PATH="$(CURDIR)/$(BIN):$$PATH" ansible-lint -q

format: $(STAMP)
	$(BIN)/ruff check --fix $(RUFF_PATHS)
	$(BIN)/ruff format $(RUFF_PATHS)

proto: $(STAMP)
	$(BIN)/python -m grpc_tools.protoc -I proto --python_out=identra/grpc --pyi_out=identra/grpc identra/v1/identra.proto identra/admin/v1/admin.proto

translations: $(STAMP)
	$(BIN)/python tests/translating.py

bench: $(STAMP)
	$(BIN)/python -m bench

lock: $(STAMP)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --group dev --extra otel pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --group native --constraints requirements.lock -o native.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --group build --constraints requirements.lock -o build.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --constraint requirements.lock pyproject.toml -o ansible/roles/identra/files/requirements.lock
	cd tests/node && npm install --package-lock-only && node unname.mjs

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
