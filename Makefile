# `make demo` and `make test` are all a new machine needs: each installs what is missing first.
.PHONY: help demo test test-all check format
.DEFAULT_GOAL := help

help:     ## these lines
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */make \1\t/' | expand -t 18

demo: .venv/installed     ## draw toy people, train on them, evaluate, write a report (minutes on two cores)
	.venv/bin/scalereid demo

test: .venv/installed     ## the tests: offline, on the CPU, under three minutes
	.venv/bin/pytest

test-all: .venv/installed     ## the slow tests too
	.venv/bin/pytest -m "not gpu"

check: .venv/installed     ## format, lint and types
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

format: .venv/installed     ## format the code and mend what the linter can mend
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

.venv/installed: pyproject.toml constraints.txt scripts/install
	scripts/install
