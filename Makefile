# Everything runs from .venv, which the first target that needs it makes. Python 3.11 or newer is all it takes.
PYTHON ?= python3
BIN := .venv/bin
SCENARIO ?= everything
SOAK ?= 300
# Azure as the tests have it.
AZURITE := 3.35.0

# Tests start hundreds of processes: that each compiles the project anew takes them twice as long.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install servers demo test radosgw soak race check format lint types contracts screenshots bench goldens pages

help: ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch .venv/installed

install: .venv/installed ## install Seamline and its tools into .venv

.servers/azurite-$(AZURITE):
	npm install --prefix .servers --no-save --no-audit --no-fund --loglevel error azurite@$(AZURITE)
	touch $@

servers: .servers/azurite-$(AZURITE) ## install the servers that the tests on buckets need beside Python (Azurite, by npm)

demo: .venv/installed ## open the app on a sample store (SCENARIO=clean|same-range|...)
	$(BIN)/seamline demo --scenario $(SCENARIO)

test: .venv/installed ## run the tests
	$(BIN)/pytest -n 4

radosgw: .venv/installed ## run the tests on S3 against Ceph's (radosgw, installed from Debian)
	command -v radosgw >/dev/null || \
		apt-get install -y -qq --no-install-recommends radosgw ceph-mon ceph-osd ceph-common
	SEAMLINE_S3=radosgw $(BIN)/pytest tests/storage -k 's3'

soak: .venv/installed ## crash, kill and race for SOAK seconds a test (default 300), and thousands of random stores
	SEAMLINE_SOAK=$(SOAK) $(BIN)/pytest -n 2 --ignore-glob='tests/storage/test_faults*' \
		--ignore=tests/storage/test_lease_race.py

race: .venv/installed ## fight for the lease of every storage, 4 processes of 12 threads, and let requests go wrong for SOAK seconds a test
	SEAMLINE_SOAK=$(SOAK) $(BIN)/pytest tests/storage/test_lease_race.py tests/storage/test_faults.py \
		tests/storage/test_faults_killed.py -rP

check: format lint types contracts test ## everything that must hold before a commit

format: .venv/installed ## is the code formatted?
	$(BIN)/ruff format --check .

lint: .venv/installed ## does the code keep the rules?
	$(BIN)/ruff check .

types: .venv/installed ## do the types hold?
	$(BIN)/mypy

contracts: .venv/installed ## do the layers hold?
	$(BIN)/lint-imports

goldens: .venv/installed ## write the text goldens anew; look at the difference before you commit it
	SEAMLINE_UPDATE_GOLDENS=1 $(BIN)/pytest -q -n 2 tests/tui tests/headless

pages: .venv/installed ## write the README key table and docs/hazards.md anew from the code
	SEAMLINE_UPDATE_GOLDENS=1 $(BIN)/pytest -q tests/test_readme.py tests/test_pages.py

screenshots: .venv/installed ## render every screen from the demo stores to screenshots/
	$(BIN)/python -m screenshots.render

bench: .venv/installed ## measure speed and memory beside a reference
	$(BIN)/pytest tests/benchmarks --benchmark-only
