# Everything runs in .venv, which the first target that needs it makes. Python 3.11 or newer, with venv.
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
IS_NEW := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
PYTHON ?= $(firstword $(foreach name,$(CANDIDATES),$(shell $(name) $(IS_NEW) && echo $(name))) python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
DEV    := $(VENV)/.dev
INTEROP := $(VENV)/.interop

IMAGES ?=
FILMS  ?= films

.PHONY: help demo test interop lint types bench coverage fuzz soak docs clean

help: ## show this
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(DEV) ## print real images to a printer of ours; films/ gets PNG and PDF files. IMAGES="a.dcm b.dcm" prints yours
	@$(BIN)/python tools/demo.py --out $(FILMS) $(IMAGES)

test: $(DEV) ## run all tests that need nothing but Python
	$(BIN)/python -m pytest -q -rs

interop: $(INTEROP) ## test against DCMTK and pynetdicom (a missing DCMTK: see the reason in the report)
	$(BIN)/python -m pytest -q -rs -m interop tests/interop

lint: $(DEV) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV) ## mypy --strict
	$(BIN)/mypy

bench: $(INTEROP) ## benchmarks: ratios against peers in one run
	$(BIN)/python -m pytest -q benchmarks --benchmark-only --benchmark-columns=min,median,rounds

coverage: $(DEV) ## branch coverage of the core; on Python 3.11 some tests of timeouts fail while they are traced
	-$(BIN)/coverage run -m pytest -q --tb=no
	$(BIN)/coverage report --include='dimse/ul/*,dimse/data/*,dimse/message/*,print_mgmt/service/*'

fuzz: $(DEV) ## damage recordings until something breaks. FOR=60 is a minute of it
	$(BIN)/python tools/fuzz.py $(if $(FOR),--seconds $(FOR))

soak: $(DEV) ## ten thousand associations of each kind: memory, descriptors and tasks stay what they were
	DIMSE_CYCLES=10000 $(BIN)/python -m pytest -q -rs tests/dimse/net/test_cycles.py

docs: $(DEV) ## draw docs/films.md and write docs/conformance.md again
	$(BIN)/python tools/films.py
	$(BIN)/print-mgmt conformance -o docs/conformance.md

clean: ## remove what was made
	rm -rf $(VENV) $(FILMS) .mypy_cache .ruff_cache .hypothesis .coverage dist

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed; on Debian: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) $(IS_NEW) || { echo "make: Python 3.11 or newer is needed; this one is `$(PYTHON) --version`" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: Python's venv is not installed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(DEV): pyproject.toml | $(VENV)/bin/python
	@$(BIN)/python tools/setup.py dev
	@touch $@

$(INTEROP): pyproject.toml $(DEV)
	@$(BIN)/python tools/setup.py dev interop
	@touch $@
