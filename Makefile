# `make run` shows waot at work, `make test` checks it. Both make what they need: .venv/ from PyPI, .cache/ for tools.

PYTHON ?= python3
JOBS ?= 2

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready

# zig keeps the C libraries that it has built here; without a home directory it would have no place for them.
export ZIG_GLOBAL_CACHE_DIR ?= $(CURDIR)/.cache/zig

.PHONY: run test test-all lint conformance fuzz fuzz-bytes fuzz-guided fuzz-wasi bench tools wheel clean
.DELETE_ON_ERROR:

run: $(READY)
	scripts/run-example.sh $(VENV)/bin

test: lint tools
	$(PY) -m pytest -m "not slow" -n $(JOBS) --dist worksteal

test-all: lint tools
	$(PY) -m pytest -n $(JOBS) --dist worksteal

lint: $(READY)
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy

# The official suite on TARGETS (all of them) at the levels OPT; writes docs/conformance.md.
TARGETS ?=
OPT ?= 2,0
conformance: tools
	$(PY) -m tests.spec.conformance --targets "$(TARGETS)" --opt "$(OPT)" --jobs $(JOBS)

# N random modules against wasmtime, and N mutated modules to the decoder and the validator. The numbers of a run follow
# from SEED.
SEED ?= 1
fuzz: tools
	$(PY) -m tests.fuzz --count $(or $(N),1000) --seed $(SEED) --jobs $(JOBS)

fuzz-bytes: $(READY)
	$(PY) -m tests.fuzz.hostile --count $(or $(N),100000) --seed $(SEED) --jobs $(JOBS) --agree

# N random sequences of WASI's functions, natively and under wasmtime.
fuzz-wasi: $(READY)
	$(PY) -m tests.wasi.sequences --count $(or $(N),20000) --seed $(SEED) --jobs $(JOBS)

# Mutated modules for N seconds, guided by what they reach; atheris has packages for Linux only.
fuzz-guided: $(READY)
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(PY) -m tests.fuzz.guided -max_total_time=$(or $(N),600)

# QUICK=1 for an impression in three minutes; GROUPS names some of the groups (all, if not given).
GROUPS ?=
bench: $(READY)
	$(PY) -m benchmarks $(if $(QUICK),--quick) $(GROUPS)

# Compilers and emulators that PyPI does not have. A missing one makes its tests skip, and they say so.
tools:
	scripts/install-test-tools.sh

wheel: $(READY)
	$(PY) -m pip wheel --no-deps -w dist .

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "waot needs Python 3.11 or newer; set PYTHON")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "On Debian, Python's venv module is in the package python3-venv." >&2; exit 1; }
	$(PY) -m pip install --quiet --disable-pip-version-check -e '.[dev,wat]'
	touch $@

clean:
	rm -rf $(VENV) .cache build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
