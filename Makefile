# The commands of Foregate. `make run` and `make test` do all their own set-up.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
STUBS := .stubs/.ready

.DEFAULT_GOAL := help
.PHONY: help run test prove check format bench lock generate clean

help: ## show these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

run: $(READY) ## a live gateway on examples/shop/gateway.yaml
	@$(BIN)/foregate dev examples/shop/gateway.yaml

test: $(READY) ## every test, in parallel, against a real Envoy
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)
	@test -n "$(ARGS)" || FOREGATE_LAYOUT=pages $(BIN)/python -m pytest -n auto --dist loadgroup tests/e2e

prove: $(READY) ## the long proofs: 1,000,000 requests explained as Envoy answers them
	@FOREGATE_PROVE=1 $(BIN)/python -m pytest -n auto --dist loadgroup $(or $(ARGS),tests/controlplane/explaining)

check: $(READY) $(STUBS) ## format, lint, types, import contracts, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy tests bench tools
	@$(BIN)/lint-imports
	@$(BIN)/python -m tools.generate --check

format: $(READY) ## format the code and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY) ## the numbers of the README, with the machine printed
	@$(BIN)/python -m bench $(ARGS)

generate: $(READY) ## rewrite the generated files (schema, bootstrap, tables)
	@$(BIN)/python -m tools.generate

lock: $(READY) ## resolve requirements.lock anew, with hashes
	@$(BIN)/python -m tools.lock

clean: ## remove what the commands above made
	@rm -rf $(VENV) .stubs .parts .foregate .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "foregate needs Python 3.11 or newer: install it, or say make PYTHON=/path/to/python3"; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version) (once)"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "the venv module is missing: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

$(STUBS): requirements.lock tools/stubs.py | $(READY)
	@$(BIN)/python -m tools.stubs .stubs
	@touch $@
