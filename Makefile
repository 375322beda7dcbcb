# Two commands on a fresh machine: `make chat` and `make test`. They need git, make and Python >= 3.11.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# Tests start the bot as a process of its own many times; without bytecode each of them compiles it anew.
export PYTHONDONTWRITEBYTECODE :=
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: chat test drills bench bench-matrix bench-discord check lint fmt types contracts docs messages models install dev clean

chat: $(VENV)/.models  ## Talk to the bot with the embedded model and the sample community
	@if [ -t 0 ]; then exec $(BIN)/llmos chat --sample; else exec $(BIN)/llmos chat; fi

install: $(VENV)/.install
dev: $(VENV)/.dev
models: $(VENV)/.models

$(VENV)/.install: pyproject.toml constraints.txt
	@echo "Installing LLMOS into $(VENV) (once; a few minutes without a package cache) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -e '.[discord,matrix,llm]'
	@touch $@

$(VENV)/.dev: $(VENV)/.install
	@$(PIP) -e '.[discord,matrix,llm,fast,dev]'
	@touch $@

$(VENV)/.models: $(VENV)/.install
	@$(BIN)/llmos models pull smollm2-135m
	@$(BIN)/llmos models pull all-minilm-l6-v2
	@touch $@

test: $(VENV)/.dev $(VENV)/.models  ## All tests, at most 8 minutes on two cores; those on a homeserver mostly wait
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.whole

drills: $(VENV)/.dev $(VENV)/.models  ## The same code with the long counts
	LLMOS_DRILLS=long $(BIN)/python -m pytest -m "drill or hypothesis"

check: lint types contracts docs $(VENV)/.models  ## What CI runs; a few failed tests are tried once more, alone, and named
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.whole --again

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

fmt: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## Checks that the documents say what the code does
	$(BIN)/python -m pytest -q tests/test_docs.py

messages: $(VENV)/.dev  ## Collect texts for translation and compile the catalogues
	$(BIN)/python -m bot.locale.messages

bench: $(VENV)/.models  ## The numbers of docs/performance.md
	$(BIN)/llmos bench pipeline --messages 20000 --json
	$(BIN)/llmos bench llm --json

bench-matrix: $(VENV)/.dev  ## The numbers on a real homeserver, beside the shortest bots on matrix-nio; 3 minutes
	@$(BIN)/python -m tests.bench.matrix

bench-discord: $(VENV)/.dev  ## The numbers on the tests' Discord, beside the shortest bots on discord.py; 4 minutes
	@$(BIN)/python -m tests.bench.discord

clean:
	rm -rf $(VENV) build dist *.egg-info
