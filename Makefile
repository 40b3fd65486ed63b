# Every target makes its own environment first, from a bare python3 >= 3.11 (see deploy/bootstrap.sh).
# Extra arguments go through ARGS: make demo ARGS="--orders 500 --exit --report r.json"; BROKER=kafka make demo

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
export PYTHON
# Modules are compiled once: six services that each compile the whole stack need ten seconds longer to start.
unexport PYTHONDONTWRITEBYTECODE
PY := .venv/bin/python
READY := .venv/.ready
MANIFESTS := pyproject.toml $(wildcard services/*/pyproject.toml)
COMPILE := -m uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 --all-extras
say = @printf '%s\n' "corridor: $(1)"

.PHONY: help setup demo serve test check bench vectors contracts lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from requirements.lock and stop there

demo: $(READY) ## all services, the partners' world and N orders; ARGS="--orders 500 --exit --report FILE"
	$(call say,demo: PostgreSQL and six services and the partners world on this machine$(if $(BROKER), with broker $(BROKER)))
	@$(PY) -m deploy.local demo $(ARGS)

serve: $(READY) ## the same services on one port, without generated traffic; ARGS="--port P --data DIR"
	$(call say,serve: the services on one port; stop with Ctrl-C)
	@$(PY) -m deploy.local serve $(ARGS)

check: $(READY) ## ruff, mypy --strict and the import contracts
	$(call say,check: ruff)
	@$(PY) -m ruff check .
	$(call say,check: mypy --strict)
	@$(PY) -m mypy
	$(call say,check: import contracts)
	@$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-cache

test: check ## check, then every test with a real PostgreSQL and a real Kafka; ARGS="-k name"
	$(call say,test: pytest)
	@$(PY) -m pytest $(ARGS)

bench: $(READY) ## figures against the bare cost of the same run; ARGS="--report FILE"
	$(call say,bench: takes some minutes; nothing else should run meanwhile)
	@$(PY) -m tests.bench $(ARGS)

vectors: $(READY) ## the partners' test vectors through our doors
	$(call say,vectors: every case of the partners' test vectors)
	@$(PY) -m tests.vectors_run $(ARGS)

contracts: $(READY) ## render docs/asyncapi.json and docs/openapi/ from the code
	@$(PY) -m deploy.contracts $(ARGS)

lock: $(READY) ## resolve all manifests anew into requirements.lock (UPGRADE=1 takes newer versions)
	$(call say,lock: resolving $(MANIFESTS))
	@$(PY) $(COMPILE) $(if $(UPGRADE),--upgrade) --output-file requirements.lock $(MANIFESTS)

$(READY): requirements.lock deploy/bootstrap.sh
	@sh deploy/bootstrap.sh $@
