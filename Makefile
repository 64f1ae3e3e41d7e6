# Everything works on a fresh machine with make and a Python of 3.11 to 3.13; nothing is installed outside the checkout.
#   PYTHON=python3.12   the interpreter that makes the environment (default: the first fitting one on PATH)
#   VENV=.venv-3.12     where the environment is kept
export PYTHON
VENV ?= .venv
PROTOS_VENV ?= .venv-protos

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench verify protos docs pins clean

BIN := $(VENV)/bin
SETUP := $(VENV)/.ready
GENERATOR := $(PROTOS_VENV)/.ready

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(SETUP) ## make the environment

$(SETUP): requirements/dev.txt pyproject.toml
	@echo "Making the environment in $(VENV): a minute or two." >&2
	@scripts/make_venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(GENERATOR): requirements/protos.txt
	@scripts/make_venv $(PROTOS_VENV)
	@$(PROTOS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements/protos.txt
	@touch $@

run: $(SETUP) ## start the server with the embedded stores
	@$(BIN)/ecp-server serve

# With ECP_TEST_REQUIRE_SERVERS=1 the servers that tests need are fetched and started first; they go on running.
#   TESTS="tests/cli"   some tests, as pytest takes them (default: all)
#   ENGINES="postgres"  some servers, as scripts/servers takes them (default: all)
SERVERS = $(if $(filter 1,$(ECP_TEST_REQUIRE_SERVERS)),servers=$$(scripts/servers up $(ENGINES)) && eval "$$servers" &&)

test: $(SETUP) ## run the tests
	@$(SERVERS) $(BIN)/pytest $(TESTS)

verify: $(SETUP) ## run the long forms of the tests
	@$(SERVERS) $(BIN)/pytest -m long $(TESTS)

check: $(SETUP) $(GENERATOR) ## lint, formats, types, layers, contract, stubs
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	scripts/check_breaking $(BIN)/buf
	scripts/check_stubs $(PROTOS_VENV)

bench: $(SETUP) ## measure Resolve against a bare echo, figures in build/bench; QUICK=1 takes two minutes; STORES=1: stores on servers against embedded ones; OVERLOAD=1: more calls than it can serve, alone and behind the sidecar; ISOLATION=1: one store a black hole
	@$(if $(STORES)$(ISOLATION),eval "$$(scripts/servers up)" && )$(BIN)/python scripts/bench $(if $(QUICK),--quick) $(if $(STORES),--stores) $(if $(OVERLOAD),--overload) $(if $(ISOLATION),--isolation)

protos: $(GENERATOR) ## generate the stubs from protos/
	@scripts/generate_stubs $(PROTOS_VENV) protos

docs: $(SETUP) ## write the generated pages
	@$(BIN)/ecp-server settings > docs/settings.md
	@$(BIN)/ecp-server catalog schema > docs/catalog.schema.json
	@$(BIN)/ecp-server catalog reference > docs/catalog-reference.md
	@$(BIN)/python scripts/document_errors.py > docs/errors.md

# No addresses and no hashes in the pins: they hold for whatever index or mirror a machine uses.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
  --no-emit-index-url --no-annotate --custom-compile-command 'make pins'

pins: $(SETUP) ## pin the newest versions that requirements/*.in and pyproject.toml admit
	@$(COMPILE) pyproject.toml --extra server --extra stores --output-file requirements/server.txt
	@$(COMPILE) pyproject.toml --extra server --extra stores --extra cli requirements/dev.in --constraint requirements/server.txt --output-file requirements/dev.txt
	@$(COMPILE) requirements/protos.in --output-file requirements/protos.txt

clean: ## remove the environments and caches
	@rm -rf $(VENV) $(PROTOS_VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find ecp_server ecp_client protos tests scripts -name __pycache__ -prune -exec rm -rf {} +
