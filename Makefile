# Everything runs in .venv, which is made when first needed. Requires Python 3.11 or newer, with venv.
# PYTHON=python3.12 chooses another Python, in the folder .venv-3.12; VENV=FOLDER chooses another folder.
CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
IS_NEW := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
ifdef PYTHON
VENV ?= .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
endif
PYTHON ?= $(firstword $(foreach name,$(CANDIDATES),$(shell $(name) $(IS_NEW) && echo $(name))) python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
DEV    := $(VENV)/.dev
INTEROP := $(VENV)/.interop
PYTEST := $(BIN)/python -m pytest -q

IMAGES ?=
FILMS  ?= films
WORKERS ?= auto
BENCHMARKS ?= benchmarks

# Tests without sockets, processes or many pixels
FAST := $(addprefix tests/dimse/,data message ul) $(addprefix tests/print_mgmt/,attributes config service)
FAST += --ignore-glob='*/test_memory.py' --ignore-glob='*/test_limits.py'

# Otherwise each command that a test starts compiles all modules again
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-fast interop verify-matrix lint types bench coverage fuzz soak verify-soak docs course playground sdist clean

help: ## show this
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

demo: $(DEV) ## print real images on a printer of its own; see films/. IMAGES="a.dcm b.dcm" prints your images
	@$(BIN)/python tools/demo.py --out $(FILMS) $(IMAGES)

test: $(DEV) ## run all tests that need no other implementation, on all cores. PYTHON=python3.12 tests another Python
	@$(BIN)/python -c 'import sys; print("Python", sys.version)'
	$(PYTEST) -rs -n $(WORKERS) --dist worksteal --ignore tests/interop

test-fast: $(DEV) ## run the tests of the code without I/O, with few examples
	$(PYTEST) -n $(WORKERS) --dist worksteal --hypothesis-profile fast $(FAST)

interop: $(INTEROP) ## test against DCMTK and pynetdicom; without DCMTK its tests are skipped
	$(PYTEST) -rs -n $(WORKERS) -m interop tests/interop

verify-matrix: $(INTEROP) ## judge DCMTK, pynetdicom, dcmjs-dimse, Orthanc, pydcm, CTN and our own programs; write docs/verify/matrix.html and trophies.md
	PYTHONPATH=. $(BIN)/python tools/verify_matrix.py --peers $(VENV)/peers

lint: $(DEV) ## run ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV) ## run mypy --strict
	$(BIN)/mypy

bench: $(INTEROP) ## run the benchmarks: ratios to peers in one run. BENCHMARKS="FILE ..." runs some of them
	$(PYTEST) $(BENCHMARKS) --benchmark-only --benchmark-columns=min,median,rounds

coverage: $(DEV) ## measure the branch coverage of the core; on Python 3.11 tracing makes some tests of timeouts fail
	-$(BIN)/coverage run -m pytest -q --tb=no
	$(BIN)/coverage report --include='dimse/ul/*,dimse/data/*,dimse/message/*,print_mgmt/service/*'

fuzz: $(DEV) ## test all properties with 500 examples, the tester against evil peers, then damage recordings until something breaks; FOR=60: a minute each
	$(PYTEST) -n $(WORKERS) -m hypothesis --hypothesis-profile full
	$(BIN)/python tools/fuzz_verify.py --seconds $(if $(FOR),$(FOR),600)
	$(BIN)/python tools/fuzz.py $(if $(FOR),--seconds $(FOR))

soak: $(DEV) ## run ten thousand associations of each kind: nothing may grow; kill servers and databases 200 times: no film may be lost
	DIMSE_CYCLES=10000 $(PYTEST) -rs tests/dimse/net/test_cycles.py
	DIMSE_KILLS=200 $(PYTEST) -rs --timeout 7200 tests/print_mgmt/cli/test_kill_serve.py
	DIMSE_KILLS=200 $(PYTEST) -rs --timeout 7200 tests/print_mgmt/spool/test_kill.py -k any_moment
	DIMSE_KILLS=200 $(PYTEST) -rs tests/print_mgmt/cli/test_database_faults.py tests/print_mgmt/cli/test_workers.py

course: $(DEV) ## write the pages of docs/course and show your progress; LESSON=3 runs lesson 3 and checks its exercise
	@$(BIN)/python tools/course.py
	@$(if $(LESSON),$(BIN)/python docs/course/lesson$(if $(filter 10 11 12,$(LESSON)),,0)$(LESSON)_*/run.py &&) $(BIN)/python docs/course/check.py $(LESSON) || true

verify-soak: $(DEV) ## run the tester 20 times against two printers: all verdicts must be the same; RUNS=5 runs it 5 times
	$(BIN)/python tools/verify_soak.py $(if $(RUNS),--runs $(RUNS))

docs: $(DEV) ## write docs/films.md, docs/conformance.md, docs/printers.md, docs/verify/cases.md, docs/film.html and the traces of docs/course again
	$(BIN)/python tools/films.py
	$(BIN)/print-mgmt conformance -o docs/conformance.md
	$(BIN)/python tools/printers.py
	$(BIN)/python tools/film_page.py
	PYTHONPATH=. $(BIN)/python tools/verify_cases.py
	$(BIN)/python tools/course.py

playground: $(DEV) ## build docs/playground, a page that runs dimse in the browser (needs npm)
	$(BIN)/python tools/playground.py

sdist: $(DEV) ## build the source distribution, and run the fast tests in it
	$(BIN)/python tools/sdist.py -q -n $(WORKERS) --hypothesis-profile fast $(FAST) tests/test_readme.py tests/print_mgmt/cli/test_cli.py

clean: ## remove all generated files
	rm -rf $(VENV) $(FILMS) .mypy_cache .ruff_cache .hypothesis .coverage dist

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed; on Debian: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) $(IS_NEW) || { echo "make: Python 3.11 or newer is needed; this one is `$(PYTHON) --version`" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: Python's venv is not installed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "setting up $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(DEV): pyproject.toml dimse/version.py | $(VENV)/bin/python
	@$(BIN)/python tools/setup.py dev
	@touch $@

$(INTEROP): pyproject.toml tools/peers.py $(DEV)
	@$(BIN)/python tools/setup.py dev interop
	-@$(BIN)/python tools/peers.py $(VENV)/peers
	@touch $@
