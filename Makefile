# Everything runs in .venv, which the first target that needs it creates. `make` alone lists the targets.

VENV ?= .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.kover-dev

# The first Python from 3.11 to 3.13, else any newer one: TensorFlow's wheels lag behind Python.
AT_LEAST_3_11 = import sys; sys.exit(sys.version_info < (3, 11))
AT_MOST_3_13 = import sys; sys.exit(sys.version_info >= (3, 14))
PYTHON ?= $(firstword $(shell \
  for python in python3 python3.13 python3.12 python3.11; do \
    "$$python" -c '$(AT_LEAST_3_11)' >&2 && "$$python" -c '$(AT_MOST_3_13)' >&2 && echo "$$python"; \
  done 2>/dev/null; \
  python3 -c '$(AT_LEAST_3_11)' >/dev/null 2>&1 && echo python3))

# Tests that run Keras take about 1.5 GB a process.
CPUS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
MEMORY_MB := $(shell awk '/^MemAvailable/ { print int($$2 / 1024) }' /proc/meminfo 2>/dev/null || echo 0)
LIGHT_WORKERS := $(shell [ $(CPUS) -ge 2 ] && echo 2 || echo 0)
WORKERS := $(shell [ $(CPUS) -ge 2 ] && [ 0$(MEMORY_MB) -ge 6000 ] && echo 2 || echo 0)

export TF_CPP_MIN_LOG_LEVEL ?= 3
export TF_ENABLE_ONEDNN_OPTS ?= 0
export CUDA_VISIBLE_DEVICES ?= -1

.DEFAULT_GOAL := help
.PHONY: help demo test test-light lint bench fuzz versions catalogue clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(STAMP) ## Train a small model, change it with a spec, show what differs
	@$(PY) -P tests/make_demo_model.py .demo/flowers.keras
	@cp specs/new_head.yaml .demo/
	@cd .demo && PATH="$(abspath $(VENV))/bin:$$PATH" && run() { echo; echo "$$ $$*"; "$$@"; } && \
	  run kover show flowers.keras && \
	  run kover apply flowers.keras new_head.yaml --force && \
	  run kover diff flowers.keras flowers.new_head.keras
	@echo; echo "Everything is in .demo/: try another spec from specs/ on .demo/flowers.keras"

test: lint test-light ## Lint, then the whole test suite
	@echo "-- tests that run Keras or take long ($(WORKERS) workers)"
	@$(PY) -m pytest -q -m "keras or slow" -n $(WORKERS) --dist loadfile

test-light: $(STAMP) ## The tests that need no Keras, in seconds
	@echo "-- tests without Keras"
	@$(PY) -m pytest -q -m "not keras and not slow" -n $(LIGHT_WORKERS)

lint: $(STAMP) ## ruff check, ruff format --check, mypy --strict
	@echo "-- lint"
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy

bench: $(STAMP) ## Measure against other ways (SIZES=small for a quick run)
	@$(PY) tests/bench/bench.py --sizes $(or $(SIZES),all) --readme README.md
	@$(PY) tests/bench/scale.py --sizes $(or $(SIZES),all) --readme README.md

fuzz: $(STAMP) ## Fuzz the readers by coverage (FUZZ_SECONDS=60 for all together)
	@$(PY) -c 'import atheris' 2>/dev/null || $(PY) -m pip install -qq --disable-pip-version-check -e '.[fuzz]'
	@$(PY) -P tests/fuzz/run_fuzz.py $(or $(FUZZ_SECONDS),60) .fuzz

versions: $(STAMP) ## Run the tests that need Keras on other versions of it, on JAX and PyTorch (NAMES="3.10 jax")
	@$(PY) tests/versions/run_versions.py $(NAMES) --readme README.md

catalogue: $(STAMP) ## Write what kover knows about Keras' classes anew (asks Keras 3.10 to 3.15; minutes)
	@$(PY) -P tests/make_catalogue.py kover/catalogue/keras.json --cache .catalogue

clean: ## Remove everything generated, except .venv
	@rm -rf .demo .bench .fuzz .catalogue build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find kover schemas tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
	  echo "kover needs Python 3.11 or newer; python3 here is: $$(python3 --version 2>&1)" >&2; \
	  echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi
	@if ! $(PY) -c '$(AT_LEAST_3_11)' 2>/dev/null; then \
	  echo "-- creating $(VENV)"; \
	  $(PYTHON) -m venv --clear $(VENV) || { \
	    echo "$(PYTHON) has no venv module (on Debian: apt install python3-venv)" >&2; exit 1; }; \
	fi
	@echo "-- installing kover and its tools into $(VENV) (TensorFlow is large: the first time takes minutes)"
	@$(PY) -m pip install -qq --disable-pip-version-check -e '.[dev]'
	@touch $@
