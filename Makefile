# Two commands: `make demo` shows what Coverslip does on a real image, `make test` checks all of it.
PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
BIN := .venv/bin
STAMP := .venv/.set-up

.PHONY: setup demo test lint docs clean

setup: $(STAMP)

# Rebuilt only when what is to be installed changes.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Coverslip needs Python 3.11 or newer: install it, or say 'make setup PYTHON=/path/to/python3.11'."; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e '.[test,docs,dev]'
	touch $(STAMP)

demo: setup
	$(BIN)/coverslip demo --out demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

test: lint docs
	$(BIN)/python -m pytest

clean:
	rm -rf .venv demo docs/_build
