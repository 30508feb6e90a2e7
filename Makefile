# `make` alone lists the commands; each does the same on a laptop and in CI.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
AWS    := .venv-aws

.DEFAULT_GOAL := help
.PHONY: help demo setup test check format bench docs clean

help: ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.server ## a real fleet on this machine: server, balancer, two app instances, an app deployed from git
	@$(BIN)/toque demo $(DEMO)

setup: $(VENV)/.all $(AWS)/.done ## .venv with every extra, .venv-aws with the last OpsWorks clients

test: setup ## every test that this machine can run; says what it skipped and why
	@TOQUE_AWS=$(CURDIR)/$(AWS)/bin/aws $(BIN)/python -m pytest -n 3 --dist worksteal tests/agent tests/server tests/architecture cookbooks $(PYTEST)
	@TOQUE_AWS=$(CURDIR)/$(AWS)/bin/aws $(BIN)/python -m pytest -n 3 --dist loadfile tests/together tests/system $(PYTEST)

check: setup ## ruff, mypy --strict, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup ## let ruff put the code in order
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup ## all benchmarks at small sizes; bench/NAME.py --help for more
	@$(BIN)/python bench/all.py

docs: setup ## make what comes from the code: the clients' declarations, the Python client, the manual's pages
	@$(BIN)/python -m toque_server.operations.declarations > .declarations && mv .declarations agent/toque/cli/operations.json
	@$(BIN)/python -m toque.cli.client_code
	@$(BIN)/python -m docs.generate

clean: ## remove what the other commands made
	rm -rf $(VENV) $(AWS) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp per virtual environment: made again when pyproject.toml is newer.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "toque needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "this Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

$(VENV)/.server: pyproject.toml | $(VENV)/bin/python
	@test -e $(VENV)/.all || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server]'
	@touch $@

$(VENV)/.all: pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[server,postgres,aws,docker,oidc,dev]'
	@touch $@ $(VENV)/.server

$(AWS)/.done:
	@$(PYTHON) -m venv $(AWS)
	@$(AWS)/bin/python -m pip install --quiet --disable-pip-version-check awscli==1.42.18 boto3==1.40.18
	@touch $@
