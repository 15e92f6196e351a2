# make demo: see it work.   make test: check that it does.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup demo test check lint types bench score faults clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    virtual camera, edge and desk on this machine"
	@echo "make test    all tests"
	@echo "make check   what CI runs: format, lint, types, tests"
	@echo "make bench   the benchmarks, one JSON line each"
	@echo "make score   the hand-checked footage against its truth; rewrites the tables of docs/accuracy.md"
	@echo "make faults  the whole fault laboratory, up to an hour; rewrites the table of docs/reliability.md"
	@echo "make setup   only make .venv"

.venv/made:
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Vedette needs Python 3.11 or newer with venv; name one: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

.venv/run: .venv/made pyproject.toml constraints.txt
	@echo "installing Vedette into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/test: .venv/run
	@echo "installing what the tests need into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	@touch $@

setup: .venv/run

demo: .venv/run
	@$(BIN)/vedette demo

# A worker a core, at most four; whole files to a worker, so that what a file sets up is set up once.
test: .venv/test
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/test
	$(BIN)/mypy contract edge central vedette benchmarks

check: lint types test

bench: .venv/test
	$(BIN)/python -m benchmarks all

score: .venv/test
	$(BIN)/python -m benchmarks score --perturb

# Those that measure speed run alone. The table shows also what failed; the exit status is the tests'.
LAB = VEDETTE_FAULTS_LOG=.faults.jsonl $(BIN)/pytest --faults full --timeout 1200
faults: .venv/test
	@rm -f .faults.jsonl
	$(LAB) tests/faults/test_load.py; one=$$?; \
		$(LAB) tests/faults --ignore tests/faults/test_load.py -n 2 --dist loadfile; two=$$?; \
		$(BIN)/python -m tests.faults.table .faults.jsonl; exit $$((one + two))

clean:
	rm -rf .venv
