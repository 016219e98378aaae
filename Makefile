# Every target makes the environment that it needs: nothing to install first but Python, git and make.
# It keeps to what GNU make 3.81 knows, the one that macOS has.

PYTHON ?= python3
ARGS ?=
SECONDS ?= 600
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

# "3.12", say: the series of Python that .venv is made with. Empty where PYTHON is missing or too old.
SERIES := $(shell $(PYTHON) -c 'import sys; v = sys.version_info[:2]; v >= (3, 11) and print("%d.%d" % v)' 2>/dev/null)
INSTALLED := $(VENV)/.installed-$(SERIES)

UV_HTTP_TIMEOUT ?= 300
export UV_HTTP_TIMEOUT

# DVC has to be told that there is no git, as in a copy of the files alone.
TELL_DVC := git rev-parse --git-dir >/dev/null 2>&1 || $(BIN)/python -m dvc config --local core.no_scm true

.PHONY: help setup repro test test-all chaos bench lint format audit lock ship clean
.DEFAULT_GOAL := help

help: ## show this list
	@echo "usage: make TARGET [PYTHON=python3.12] [ARGS='...']"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-11s %s\n", $$1, $$2 }'

setup: $(INSTALLED) ## make .venv and install everything, by hash (the other targets do so by themselves)

repro: setup ## train the model and make its videos, or what of that is not yet done (ARGS go to dvc repro)
	@$(TELL_DVC)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m dvc repro $(ARGS)

test: setup ## run the tests (ARGS go to pytest, as in ARGS='-k judge')
	$(BIN)/python -m pytest $(ARGS)

test-all: setup ## run the tests, the slow ones too
	$(BIN)/python -m pytest -m "slow or not slow" $(ARGS)

chaos: setup ## kill, cut and flip at random for SECONDS=600, and write what survived to docs/chaos.md
	OMP_NUM_THREADS=1 PYTHONPATH=tests:src:. $(BIN)/python tests/chaos.py --seconds $(SECONDS) --out docs/chaos.md $(ARGS)

bench: setup ## measure speed, size and memory against the tutorial's way, and accuracy (half an hour, alone)
	for name in data videos training generation candidates motions sentences judge memory overhead hotspots; do $(BIN)/python benchmarks/$$name.py || exit 1; done

lint: setup ## check style and types
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/python -m mypy

format: setup ## mend what of the style can be mended by itself
	$(BIN)/python -m ruff check --fix
	$(BIN)/python -m ruff format

audit: setup ## look up known vulnerabilities of the locked packages (needs the network)
	$(BIN)/python -m pip_audit --strict --require-hashes --disable-pip --requirement requirements/lock.txt

# One lock for every system and every Python, the same versions everywhere. No header: it would hold the command,
# and with it this machine's paths. (ARGS='--upgrade-package torch' takes a newer version of one package.)
LOCK := pip compile --universal --fork-strategy fewest --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --quiet
lock: setup ## pin the versions and hashes of what pyproject.toml asks for (ARGS=--upgrade for newer ones)
	$(UV) $(LOCK) $(ARGS) --all-extras pyproject.toml --output-file requirements/lock.txt
	echo uv | $(UV) $(LOCK) $(ARGS) - --output-file requirements/bootstrap.txt

ship: setup ## make the trained model the package's own, and its videos the README's
	$(BIN)/python -m stages.export --ship
	cp data/videos/wall.gif docs/wall.gif

clean: ## remove what the tools left behind (keeps .venv and every result)
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist src/*.egg-info
	find . \( -name .venv -o -name .git -o -name .dvc \) -prune -o -name __pycache__ -exec rm -rf {} +

# The stamp goes first and comes last, so a set-up that was cut short is known by its absence and starts afresh.
$(INSTALLED): pyproject.toml requirements/bootstrap.txt requirements/lock.txt
	$(if $(SERIES),,$(error "$(PYTHON)" is not a Python 3.11 or newer; name one that is: make PYTHON=python3.12 $(MAKECMDGOALS)))
	@test -e $@ || rm -rf $(VENV)
	@rm -f $@
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(UV) pip install --python $(BIN)/python --require-hashes -r requirements/lock.txt
	$(UV) pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	@touch $@
