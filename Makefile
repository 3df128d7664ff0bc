# Needs Python >= 3.11 with venv, make and git. Everything else comes from PyPI and npm into this checkout.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PYTHONS := python3.13 python3.12 python3.11 python3 python
UV_SYNC = $(BIN)/uv sync --locked --all-extras --python $(BIN)/python $$([ -t 2 ] || echo --quiet)
ARGS ?=

# What the caller's shell says about other projects must not leak in.
unexport VIRTUAL_ENV UV_PROJECT_ENVIRONMENT UV_PYTHON PYTHONPATH PYTHONHOME
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo frontend test chaos check format bench docs clean sim mutants reference

help: ## show this list
	@while IFS= read -r line; do case "$$line" in \
	  [a-z]*": "*"## "*) printf '  make %-10s%s\n' "$${line%%:*}" "$${line#*## }";; \
	esac; done < $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.ready $(if $(filter --spark,$(ARGS)),$(VENV)/.spark-ready) ## watch two releases being judged on this machine (ARGS="--keep" leaves it running)
	@$(BIN)/canary-router demo $(ARGS)

frontend: $(VENV)/.ready ## the example's web page, on what "make demo ARGS=--keep" left running
	@PYTHONPATH=examples $(BIN)/python -m frontend $(ARGS)

test: $(VENV)/.ready ## run every test (ARGS="-k name", or a path, narrows it)
	@$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

chaos: $(VENV)/.ready ## 5,000 requests and 30 releases while calls fail and functions are killed, about ten minutes
	@$(BIN)/python -m tests.chaos.chaos_run $(ARGS)

check: $(VENV)/.ready ## formatting, lint, types and the dependency rule
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

sim: $(VENV)/.ready ## 20,000 schedules of the protocol under faults (ARGS="--seed 7" tells the story of one)
	@$(BIN)/python -m canary_router.sim --schedules 20000 --workers 2 $(ARGS)

mutants: $(VENV)/.ready ## break the protocol on purpose, and write which check notices into the documentation
	@$(BIN)/python -m canary_router.sim --mutants >docs/explanation/.mutants.md
	@mv docs/explanation/.mutants.md docs/explanation/mutants.md

reference: $(VENV)/.ready ## write the reference of the command line from its code
	@$(BIN)/python -m canary_router.cli.reference >docs/reference/.cli.md
	@mv docs/reference/.cli.md docs/reference/cli.md

format: $(VENV)/.ready ## rewrite the code in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .

bench: $(VENV)/.ready ## what a request costs beside boto3 and the naive design (ARGS="--quick" for a first look)
	@$(BIN)/python bench/import_time.py --rounds 5
	@$(BIN)/python -m bench.memory
	@$(BIN)/python -m bench.run $(ARGS)

docs: $(VENV)/.docs-ready ## build the documentation into build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --config-file docs/.site/mkdocs.yml

clean: ## end a running emulator and remove all that was built
	@if [ -e .canary-router/state.json ]; then \
	  if [ -x $(BIN)/python ]; then python=$(BIN)/python; else python=python3; fi; \
	  PYTHONPATH=src CANARY_ROUTER_HOME=.canary-router $$python -c \
	    'from canary_router.local import emulator, home; emulator.stop(home.state_home())'; \
	fi
	@rm -rf $(VENV) .canary-router .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
	  .coverage build dist
	@git clean -fdXq -- src tests examples bench docs

# The virtual environment, made by the newest Python that suits; uv, at the version that pyproject.toml pins, fills
# it from the lock file. pip and uv trust the certificates that the caller's SSL_CERT_FILE names.
$(VENV)/.ready: pyproject.toml uv.lock
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  for python in $(PYTHONS); do \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo 'No Python >= 3.11 with venv was found among: $(PYTHONS).' >&2; \
	    echo 'Install one (Debian: apt-get install python3 python3-venv) and say make again.' >&2; exit 1; \
	  fi; \
	  echo "Setting up $(VENV) with $$($$found --version), once" >&2; \
	  $$found -m venv --clear $(VENV); \
	fi
	@[ -x $(BIN)/uv ] || PIP_CERT="$${PIP_CERT:-$$SSL_CERT_FILE}" $(BIN)/python -m pip install --quiet --no-input \
	  "$$($(BIN)/python -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; print(*(need for need in extras["local"] if need.startswith("uv==")))')"
	@echo 'Installing the locked dependencies' >&2
	@# PySpark is half a gigabyte: who wants it says so.
	@$(UV_SYNC) --no-extra spark
	@touch $@

$(VENV)/.docs-ready: $(VENV)/.ready
	@$(UV_SYNC) --no-extra spark --inexact --group docs
	@touch $@

# Neither this nor the rule above removes what the other has installed.
$(VENV)/.spark-ready: $(VENV)/.ready
	@echo 'Installing PySpark (456 MB) and a Java for it (101 MB), once: this takes a while, and says nothing meanwhile' >&2
	@$(UV_SYNC) --inexact
	@touch $@
