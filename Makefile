# Everything runs in .venv, which `make` creates from requirements-dev.lock. The only prerequisite is
# Python 3.11 or newer. Local runs keep their state in .local/. They use the AWS simulator on this machine, so they need
# no AWS account.

PYTHON ?= python3
BIN := .venv/bin
LOCAL := $(BIN)/python -m tools.local_airflow

# The settings of a run. They reach the commands through the environment and are never part of a command line, so any
# file name is safe. `value` keeps make from expanding anything in them.
override CSV := $(value CSV)
override USE_CASE := $(value USE_CASE)
override DOCUMENTS := $(value DOCUMENTS)
override EVALUATION := $(value EVALUATION)
override EVALUATION_CSV := $(value EVALUATION_CSV)
override APPROVE := $(value APPROVE)
override AS_OF := $(value AS_OF)
override ENV_FILE := $(value ENV_FILE)
export CSV USE_CASE DOCUMENTS EVALUATION EVALUATION_CSV APPROVE AS_OF ENV_FILE

.DEFAULT_GOAL := help
.PHONY: help setup run check-account promote-demo nights celery mwaa mwaa-trial test test-all chaos simulate fuzz bench up down pictures lint lock pin-images clean

help: ## Show this list
	@echo "Usage: make <target> [CSV=rows.csv] [EVALUATION_CSV=rows.csv] [USE_CASE=name] [DOCUMENTS=n] [EVALUATION=n] [APPROVE=ask] [AS_OF=YYYY-MM-DD]"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do \
		printf '  %-13s %s\n' "$$name" "$$text"; done

setup: .venv/.installed ## Install everything into .venv (the other targets do this when needed)

run: .venv/.installed ## Run the pipeline once on the sample (40 documents, 100 questions), then stop everything
	@$(LOCAL) run

check-account: .venv/.installed ## Check the simulated account: models, quotas, buckets, roles, permissions, prices and pools
	@$(LOCAL) check-account

promote-demo: .venv/.installed ## Promote a simulated model, call its endpoint, promote another one, and roll back
	@$(BIN)/python -m tools.promote_demo

nights: .venv/.installed ## Write thirty simulated nights into the simulated account, so that the Distill pages have a trend
	@$(BIN)/python -m tools.nights

celery: .venv/.installed ## Run the pipeline once on the services of docker-compose.yaml (Celery, PostgreSQL, Redis), without Docker
	@$(BIN)/python -m tools.compose

mwaa: .venv/.installed ## Build build/mwaa/ for Amazon MWAA from the settings in .env (or ENV_FILE=path)
	@$(BIN)/python -m tools.mwaa

mwaa-trial: .venv/.installed ## Run the pipeline once in MWAA's layout with the versions of its image (needs Python 3.12)
	@$(BIN)/python -m tools.mwaa.trial $(TRIAL)

test: .venv/.installed ## Run all tests; none needs an AWS account
	@$(BIN)/python -m pytest -m "not e2e" -n auto
	@$(BIN)/python -m pytest -m e2e

test-all: .venv/.installed ## Run the unit tests on every Python from 3.11 to 3.13 that is installed (TESTS="tests/distill")
	@$(UV_CACHE); $(BIN)/python -m tools.test_all $(TESTS)

chaos: .venv/.installed ## Kill real Airflow processes at many points of a run and count the purchases (CHAOS="--only NAME")
	@$(BIN)/python -m tools.chaos $(CHAOS)

simulate: .venv/.installed ## Simulate crashes of the purchases on all cores and check what was bought (SIMULATE="--quick --seed 1")
	@$(BIN)/python -m tools.simulate $(SIMULATE)

# atheris is not in requirements-dev.lock. Where it has no package, the inputs are not guided. The constraints of
# pyproject.toml have no hashes, so the installation would refuse them.
fuzz: .venv/.installed ## Give mutated inputs to all readers, guided by atheris where it exists (FUZZ="--inputs 1000000")
	@$(UV_CACHE); [ -d .venv/atheris ] || $(BIN)/uv pip install --no-config --quiet --python $(BIN)/python --target .venv/atheris --only-binary atheris --require-hashes --requirement tools/fuzz/requirements.lock || rm -rf .venv/atheris
	@$(BIN)/python -m tools.fuzz $(FUZZ)

bench: .venv/.installed ## Measure speed, quota use and memory, and compare them with ideal values (BENCH="--only NAME")
	@$(BIN)/python -m tools.benchmarks $(BENCH)

up: .venv/.installed ## Start Airflow and its UI in the background, and run the pipeline if no run has succeeded yet
	@$(LOCAL) up

down: ## Stop what `make up` started
	@$(if $(wildcard .local),$(WITHOUT_VENV) down,echo "Airflow was not running.")

pictures: .venv/.installed ## Take the pictures of a finished run and its report for docs/pictures (needs Chromium)
	@$(BIN)/python -m tools.local_airflow.pictures

lint: .venv/.installed ## Check style, format, types, layers and templates without changing any file
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@PYTHONPATH=.:plugins $(BIN)/lint-imports --no-logo
	@$(BIN)/cfn-lint

# uv keeps its downloads in a cache below HOME, so that another checkout need not download them again. If uv cannot write
# there, its cache is in .venv.
UV_CACHE = cache="$${UV_CACHE_DIR:-$${XDG_CACHE_HOME:-$$HOME/.cache}/uv}"; \
	mkdir -p "$$cache" 2> /dev/null && [ -w "$$cache" ] || export UV_CACHE_DIR="$(CURDIR)/.venv/uv-cache"

# No header and no annotation, so that the lock files never contain the address of a package index. --universal locks the
# packages for every platform and for every Python from 3.11.
COMPILE = $(UV_CACHE); $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --upgrade

lock: $(BIN)/uv ## Update the lock files to the newest versions that requirements.txt and requirements-dev.txt allow
	@$(COMPILE) --output-file .venv/requirements-dev.lock requirements.txt requirements-dev.txt > /dev/null
	@$(COMPILE) --output-file .venv/requirements.lock --constraint .venv/requirements-dev.lock requirements.txt > /dev/null
	@$(COMPILE) --output-file .venv/kubernetes.lock --constraint .venv/requirements-dev.lock deploy/helm/requirements.txt > /dev/null
	@$(COMPILE) --output-file .venv/fuzz.lock tools/fuzz/requirements.txt > /dev/null
	@mv .venv/requirements-dev.lock .venv/requirements.lock .
	@mv .venv/fuzz.lock tools/fuzz/requirements.lock
	@mv .venv/kubernetes.lock deploy/helm/requirements.lock
	@echo "requirements.lock and requirements-dev.lock are updated. Run make lint and make test before you commit them."

pin-images: .venv/.installed ## Look up the digests of the container images and write them into the files (needs Docker)
	@$(BIN)/python -m tools.compose.pinned_images

clean: ## Stop everything and remove .local/, including the simulated account and its paid answers
	@$(if $(wildcard .local),$(WITHOUT_VENV) clean,echo "There is nothing to remove: .local does not exist.")

# `make down` and `make clean` install nothing. Without .venv, they use PYTHON.
WITHOUT_VENV = $(if $(wildcard .venv/.installed),$(BIN)/python,$(CHECK_PYTHON) && $(PYTHON)) -m tools.local_airflow

CHECK_PYTHON = $(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else \
	f"Python 3.11 or newer is needed, but this is {v[0]}.{v[1]}. Choose another with: make PYTHON=/path/to/python3.11")'

.venv/.installed: requirements-dev.lock $(BIN)/uv
	@echo "Installing requirements-dev.lock into .venv ..."
	@$(UV_CACHE); $(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements-dev.lock
	@touch $@

$(BIN)/uv: requirements-uv.lock
	@$(CHECK_PYTHON)
	@echo "Creating .venv (once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@touch $@
