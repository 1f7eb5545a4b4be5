# `make demo` and `make test` are all a new machine needs: each installs what is missing first.
.PHONY: help install demo test test-all check docs format
.DEFAULT_GOAL := help

help:     ## these lines
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */make \1\t/' | expand -t 18

install:     ## make .venv, or bring it up to date
	@scripts/install

demo: install     ## draw toy people, train on them, evaluate, write a report (minutes on two cores)
	.venv/bin/scalereid demo

test: install     ## the tests: offline, on the CPU, 3 to 5 minutes on two cores
	.venv/bin/pytest -n 2

test-all: install     ## the slow tests too
	.venv/bin/pytest -n 2 -m "not gpu and not engines"
	.venv/bin/pytest -m engines tests/gallery tests/service tests/inference/test_on_ray.py

check: install     ## format, lint and types
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

docs: install     ## the site of docs/ and of the docstrings, in site/; a broken link is an error
	.venv/bin/zensical build --clean --strict

format: install     ## format the code and mend what the linter can mend
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .
