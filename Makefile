# Two commands for a fresh machine: `make demo` and `make test`. They need Python 3.11 or later and make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
MAKEFLAGS += --no-print-directory

PARTICIPANTS ?= 40
ONCE ?=
PORT ?= 8000
ARGS ?=
WORKERS ?= 2

VENV := .venv
RUN := $(VENV)/bin/python
FRONTEND := studyportal/web/frontend
BUILT := studyportal/web/static/built
FRONTEND_SOURCES := $(shell find $(FRONTEND) -path '*/node_modules' -prune -o -type f -print 2>/dev/null)

.PHONY: help demo up test venv dev assets docs lint translations clean-var

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: assets ## Fill a demonstration study and serve it (PARTICIPANTS=40 ONCE=1 PORT=8000)
	@exec $(RUN) manage.py demo --participants $(PARTICIPANTS) --port $(PORT) $(if $(filter-out 0 no,$(ONCE)),--once)

up: assets ## Serve the portal with its workers (PORT=8000 WORKERS=2)
	@exec $(RUN) manage.py up --port $(PORT) --workers $(WORKERS)

test: dev assets ## Run all tests (ARGS="-k intake -n 2")
	@exec $(RUN) -m pytest $(ARGS)

venv: $(VENV)/.installed ## Make .venv and install the portal

dev: $(VENV)/.installed-dev

assets: $(BUILT)/.built ## Build the browser parts

docs: dev ## Build the documentation into site/
	@exec $(RUN) -m mkdocs build --strict

lint: dev ## Check style, types and the import contracts
	@$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	DATABASE_URL="$${DATABASE_URL:-postgresql:///not-started}" $(RUN) -m mypy studyportal evaluation synthesis
	$(VENV)/bin/lint-imports

translations: dev ## List the texts that lack a Chinese one (ARGS=--write brings the catalogues up to date)
	@exec $(RUN) manage.py translations $(ARGS)

clean-var: ## Remove the embedded servers' folder and everything in it
	@rm -rf var

$(VENV)/bin/python:
	@PYTHON=""
	for name in python3 python3.14 python3.13 python3.12 python3.11; do
	  if command -v "$$name" >/dev/null && "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then PYTHON="$$name"; break; fi
	done
	if [ -z "$$PYTHON" ]; then echo "Python 3.11 or later is missing: install it (Debian and Ubuntu: apt-get install python3 python3-venv)." >&2; exit 1; fi
	if ! "$$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then echo "Python's venv module is missing: install it (Debian and Ubuntu: apt-get install python3-venv)." >&2; exit 1; fi
	echo "Making $(VENV) with $$("$$PYTHON" --version)"
	rm -rf $(VENV)
	"$$PYTHON" -m venv $(VENV)

# The stamps change only when what is to be installed changes, so a second run installs nothing.
$(VENV)/.installed: constraints.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing the portal (one to three minutes the first time)"
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what tests need"
	$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

$(BUILT)/.built: $(FRONTEND_SOURCES) $(shell find studyportal/locale -name '*.po') | $(VENV)/.installed
	@echo "Building the browser parts"
	$(RUN) manage.py build_assets
	touch $@
