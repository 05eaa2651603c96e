# Two commands: `make demo` shows what Coverslip does on a real image, `make test` checks all of it.
# Both set up first, which takes some minutes once and nothing afterwards.

# The first Python that is new enough; say `make PYTHON=/path/to/python3.11` to choose another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
  if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo "$$p"; break; fi; done)
BIN := .venv/bin
STAMP := .venv/.set-up
SHELL := bash

.PHONY: help setup demo test lint docs clean

help:
	@echo "make demo    fit, cluster and report on a real image; then open demo/report.html"
	@echo "make test    check everything: style, types, import rules, documentation, tests"
	@echo "make setup   only install Coverslip and what it needs into .venv"
	@echo "make lint    only style, types and import rules"
	@echo "make docs    only the documentation, into docs/_build/html"
	@echo "make clean   remove .venv and everything that was made"

setup: $(STAMP)

# Made again only when what is to be installed changes. The large downloads are named, the rest of pip's talk is not.
# pip would compile 18,000 modules one after the other; all cores do it in half the time.
$(STAMP): pyproject.toml constraints.txt
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "Coverslip needs Python 3.11 or newer: install it, or say 'make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.11'." >&2; exit 2; fi
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv
	@echo "Installing Coverslip and what it needs into .venv; this takes some minutes the first time."
	@set -o pipefail; $(BIN)/python -m pip install --disable-pip-version-check --no-input --no-compile --progress-bar off \
	  -c constraints.txt -e '.[test,docs,dev]' \
	  | awk '/Downloading .*([0-9][0-9]\.[0-9] MB|[0-9]{3,}(\.[0-9])? MB|GB)/ || /^Installing collected/ { print "  " substr($$0, 1, 96); fflush() }'
	@$(BIN)/python -m compileall -q -q -j 0 .venv/lib >/dev/null 2>&1 || true  # some packages ship what does not compile
	@touch $(STAMP)

demo: setup
	$(BIN)/coverslip demo --out demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup
	$(BIN)/python -m sphinx -W --keep-going -q -j auto -b html docs docs/_build/html

# The style and the documentation are looked at side by side. Tests run beside each other, each with one thread:
# networks this small gain nothing from more.
test: setup
	$(MAKE) --no-print-directory --output-sync=target -j 2 lint docs
	OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} OMP_WAIT_POLICY=$${OMP_WAIT_POLICY:-passive} \
	  $(BIN)/python -m pytest -q -n auto --dist worksteal --durations=10

clean:
	rm -rf .venv demo docs/_build docs/api/generated .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
