# The commands of the project. Each one installs what it needs (scripts/bootstrap).
PYTHON = .venv/bin/python
export PYTHONPATH =
export UV_PYTHON_DOWNLOADS = never

.DEFAULT_GOAL := help
.PHONY: help demo demo-reset test lint format screenshots bench faults bootstrap bootstrap-test

help: ## This list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: bootstrap ## The portal on this machine with its servers and demo data, until Ctrl-C
	@exec $(PYTHON) -m portal.embedded.demo

demo-reset: bootstrap ## The same, from scratch: erases the demo data first
	@exec $(PYTHON) -m portal.embedded.demo --reset

test: bootstrap-test ## All tests (ARGS="-k name" to choose)
	@exec $(PYTHON) -m pytest --numprocesses 2 --dist worksteal $(ARGS)

lint: bootstrap-test ## Everything that is checked without running the portal
	@exec scripts/lint

format: bootstrap-test ## Puts the code and the French typography in shape
	@$(PYTHON) -m ruff check --quiet --fix; $(PYTHON) -m ruff format --quiet
	@git ls-files -z 'templates/*' 'applications/*.py' 'dossiers/*.py' 'offers/*.py' 'portal/*.py' | \
		grep -zv /migrations/ | xargs -0 $(PYTHON) scripts/french_spaces.py

screenshots: bootstrap-test ## The pictures of the README, from a running demo (ADDRESS=…)
	@exec $(PYTHON) -m tests.e2e.screenshots $(or $(ADDRESS),http://127.0.0.1:8000) docs/images

bench: bootstrap-test ## Speed of the pages against a minimal Django page (documents: bench-pdf)
	@exec $(PYTHON) -m tests.bench

faults: bootstrap-test ## Campaigns whose processes are killed at random (RUNS=30 KILLS=10)
	@exec $(PYTHON) -m tests.faults $(or $(RUNS),30) $(or $(KILLS),10)

bench-%: bootstrap-test
	@exec $(PYTHON) -m tests.bench $*

bootstrap:
	@scripts/bootstrap demo

bootstrap-test:
	@scripts/bootstrap test
