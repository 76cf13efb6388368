# `make` or `make help` lists what there is.
.DEFAULT_GOAL := help
PY := .venv/bin/python
ARGS ?=
EXTRAS ?= test,demo

.PHONY: help demo test test-full check bench install clean

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/.installed: pyproject.toml constraints.txt
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

install: .venv/.installed ## Make the virtual environment with the tested versions

demo: .venv/.installed ## Run a whole case, embedded; ARGS="--exit" ends when it is closed
	.venv/bin/countersign demo $(ARGS)

check: .venv/.installed ## Format, lint, types, import contracts, dependencies
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/mypy docs/client/client.py
	.venv/bin/mypy deploy/dev/customers.py
	.venv/bin/lint-imports
	.venv/bin/deptry .

test: check ## Checks and all suites, on SQLite and PostgreSQL
	$(PY) -m pytest -n auto $(ARGS)

test-full: check ## As test, with every seed of the reliability tests; takes hours
	FULL_TESTS=1 $(PY) -m pytest -n auto -o timeout=0 $(ARGS)

bench: .venv/.installed ## Measure the figures of docs/performance.md
	$(PY) -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(PY) -m benchmarks $(ARGS)

clean: ## Remove the environment and what the demo left
	rm -rf .venv var build dist *.egg-info
