# The one entrance: people and CI call these targets and nothing else. Each is idempotent and says what it does.
# What is set up already is remembered by a stamp file under .venv or web/node_modules, so a second call is quick.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help run test fix sim bench bench-peers build lock notices check-python check-web clean

PYTHON ?= python3
NPM ?= npm
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
NODE_MODULES := web/node_modules
DEMO ?= demo-production
SIM_SEEDS ?= 2000

WEB_SOURCES := $(shell find web/src web/public web/index.html web/vite.config.ts web/tsconfig.json -type f 2>/dev/null)
say = @printf '\033[1m==>\033[0m %s\n'

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- set-up --------------------------------------------------------------------------------------------------------

$(VENV)/.stamp-venv:
	$(say) "Making a Python environment in $(VENV)"
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
		echo "There is no $(PYTHON) here. Openprod needs Python 3.11 or newer: install it, or name it: make PYTHON=/path/to/python3 ..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), and Openprod needs 3.11 or newer: install it, or name it: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "This Python cannot make virtual environments (its venv module is missing). On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@touch $@

# The run set is a part of the test set, at the same versions; whichever is asked for is installed.
$(VENV)/.stamp-run: requirements.lock pyproject.toml $(VENV)/.stamp-venv
	$(say) "Installing what the program needs (requirements.lock, hashes checked)"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@touch $@

$(VENV)/.stamp-test: requirements-dev.lock $(VENV)/.stamp-run
	$(say) "Installing what the tests need (requirements-dev.lock, hashes checked)"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

$(NODE_MODULES)/.stamp-npm: web/package-lock.json web/package.json web/.npmrc
	$(say) "Installing what the web pages are built with (web/package-lock.json)"
	@command -v node >/dev/null 2>&1 && command -v $(NPM) >/dev/null 2>&1 || { \
		echo "There is no node or no npm here. The web pages are built with Node.js 20.19 or newer: install it and call make again."; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' || { \
		echo "node is $$(node --version), and the web pages are built with 20.19 or newer: install that and call make again."; exit 1; }
	@cd web && $(NPM) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Browser tests use an installed Chromium or Chrome. Where there is none, Debian's is installed if that is allowed;
# otherwise the browser tests say that they did not run, which under CI=true is a failure (tests/e2e/conftest.py).
CHROMIUM_IS_HERE = { command -v chromium || command -v chromium-browser || command -v google-chrome \
	|| test -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; } >/dev/null 2>&1

$(VENV)/.stamp-chromium: $(VENV)/.stamp-venv
	@if $(CHROMIUM_IS_HERE); then touch $@; \
	elif test "$$(id -u)" = 0 && command -v apt-get >/dev/null; then \
		printf '\033[1m==>\033[0m %s\n' "Installing Debian's Chromium for the browser tests"; \
		{ apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } > $(VENV)/chromium.log 2>&1; \
		if $(CHROMIUM_IS_HERE); then touch $@; else echo "Chromium could not be installed; $(VENV)/chromium.log says why."; fi; \
	else \
		echo "There is no Chromium or Chrome here, and this user may not install one: the browser tests will not run."; \
	fi

# --- the web pages -------------------------------------------------------------------------------------------------

web/dist/index.html: $(NODE_MODULES)/.stamp-npm $(WEB_SOURCES)
	$(say) "Building the web pages"
	@cd web && $(NPM) run --silent build -- --logLevel warn
	@touch $@

build: web/dist/index.html ## build the web pages that the program serves

# --- what people call ----------------------------------------------------------------------------------------------

run: $(VENV)/.stamp-run web/dist/index.html ## set up, make the demo production if it is not there, serve it, open the browser
	$(say) "Starting the demo production in $(DEMO) (Ctrl+C stops it)"
	@$(BIN)/openprod demo $(DEMO)

check-python: $(VENV)/.stamp-test
	$(say) "Python: format, lint, import order of the rooms, types"
	@$(BIN)/ruff format --check --quiet . || { echo "These files are not formatted; make fix does it."; $(BIN)/ruff format --check .; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache > $(VENV)/lint-imports.log 2>&1 || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/basedpyright

check-web: $(NODE_MODULES)/.stamp-npm
	$(say) "Web: types, lint, unit tests"
	@cd web && $(NPM) run --silent types
	@cd web && $(NPM) run --silent lint
	@cd web && $(NPM) run --silent test

test: $(VENV)/.stamp-test $(VENV)/.stamp-chromium check-python check-web build ## set up, lint, type-check, run every test
	$(say) "Python and browser tests"
	@$(BIN)/python -m pytest

fix: $(VENV)/.stamp-test $(NODE_MODULES)/.stamp-npm ## format, and mend what the linters can mend
	$(say) "Formatting and mending"
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --show-fixes .
	@cd web && $(NPM) run --silent fix

sim: $(VENV)/.stamp-test ## many devices, bad weather: the simulation with 2,000 seeds (SIM_SEEDS=n for n)
	$(say) "Simulating with $(SIM_SEEDS) seeds"
	@OPENPROD_SIM_SEEDS=$(SIM_SEEDS) $(BIN)/python -m pytest tests/simulation

bench: $(VENV)/.stamp-test ## timings, each as a ratio to a floor measured in the same run; kept for docs/speeds.md
	$(say) "Measuring"
	@$(BIN)/python -m bench --keep

PEERS ?= ../shared/bench/peers
bench-peers: $(VENV)/.stamp-test ## fetch ten other systems, run them and us in turns, print one table (about 20 minutes)
	$(say) "Measuring beside our peers"
	@$(BIN)/python -m bench.peers --peers $(PEERS)

lock: $(VENV)/.stamp-test ## write both lock files anew from pyproject.toml
	$(say) "Locking"
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--upgrade --group build pyproject.toml --output-file requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
		--upgrade --group dev --constraints requirements.lock pyproject.toml --output-file requirements-dev.lock
	@echo "Now: make notices test"

notices: $(VENV)/.stamp-test $(NODE_MODULES)/.stamp-npm ## write THIRD_PARTY.md anew from the lock files
	$(say) "Listing third-party work"
	@$(BIN)/python tools/third_party.py

clean: ## remove what was set up and built; never touches a production
	$(say) "Removing $(VENV), $(NODE_MODULES), web/dist and dist"
	@rm -rf $(VENV) $(NODE_MODULES) web/dist dist
