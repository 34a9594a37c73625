# Everything runs from .venv, which the first target that needs it makes. Python 3.11 or newer is all it takes.
PYTHON ?= python3
BIN := .venv/bin
SCENARIO ?= everything
SOAK ?= 300

.DEFAULT_GOAL := help
.PHONY: help install demo test soak check format lint types contracts screenshots bench goldens

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch .venv/installed

install: .venv/installed ## install Seamline and its tools into .venv

demo: .venv/installed ## open the app on a sample store (SCENARIO=clean|same-range|...)
	$(BIN)/seamline demo --scenario $(SCENARIO)

test: .venv/installed ## run the tests
	$(BIN)/pytest -n 2

soak: .venv/installed ## crash, kill and race for SOAK seconds a test (default 300), and thousands of random stores
	SEAMLINE_SOAK=$(SOAK) $(BIN)/pytest -n 2 tests/crash tests/core/test_recovery.py

check: format lint types contracts test ## everything that must hold before a commit

format: .venv/installed ## is the code formatted?
	$(BIN)/ruff format --check .

lint: .venv/installed ## does the code keep the rules?
	$(BIN)/ruff check .

types: .venv/installed ## do the types hold?
	$(BIN)/mypy

contracts: .venv/installed ## do the layers hold?
	$(BIN)/lint-imports

goldens: .venv/installed ## write the text goldens and the README key table anew; look at the difference before you commit it
	SEAMLINE_UPDATE_GOLDENS=1 $(BIN)/pytest -q -n 2 tests/tui tests/headless tests/test_readme.py

screenshots: .venv/installed ## render every screen from the demo stores to screenshots/
	$(BIN)/python -m screenshots.render

bench: .venv/installed ## measure speed and memory beside a reference
	$(BIN)/pytest tests/benchmarks --benchmark-only
