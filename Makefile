# make run: the whole thing on this machine.  make test: everything that must hold.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

SBOM := sbom.json

.PHONY: run test lint lock sbom bench faults
.DEFAULT_GOAL := run

run: $(VENV)/.run
	@$(BIN)/python -m config.run --with-parent

test: export CONTRACT_QUEUE :=  # never against a real queue by accident
test: lint
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.on_both

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .

bench: $(VENV)/.run
	$(PYTHON) bench/first_task.py
	$(BIN)/python bench/emulator.py --waiting 20000
	$(BIN)/python bench/receiver.py

faults: $(VENV)/.dev
	FAULTS=full $(BIN)/pytest --timeout=0 tests/faults
	FAULTS=full $(BIN)/python -m tests.with_postgresql $(BIN)/pytest --timeout=0 tests/faults

lock: $(VENV)/.dev
	for name in requirements requirements-dev; do \
	  $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-emit-find-links --no-annotate --no-header --quiet $$name.in -o $$name.txt || exit 1; \
	done

# The warning it would give: pip's lock file does not say which package needs which.
sbom: $(VENV)/.dev
	PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
	  --output-file $(SBOM) requirements.txt

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is older. Name another: make PYTHON=python3.13"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@
