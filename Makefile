# ns-provisioner: `make help` lists what there is. Needs Python 3.11+, git and make; the rest is installed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PLANE  := etcd kube-apiserver kube-controller-manager kubectl

.DEFAULT_GOAL := help
.PHONY: help demo test bench chaos scale soak lint fmt plane up down status binaries fixtures docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A first run installs packages and compiles Go side by side: one waits for the network, one for the processor.
demo: ## Show the main job as a short story, then stop everything; CHART=1 installs the chart for it
	@$(MAKE) --no-print-directory -j2 $(READY) binaries NAMES="$(PLANE) $(if $(CHART),cert-manager helm)"
	@NSP_CHART="$(CHART)" $(BIN)/python -m tools.dev demo

test: ## Run every test, the ones on a real control plane included
	@$(MAKE) --no-print-directory -j2 $(READY) binaries
	@$(BIN)/pytest

bench: $(READY) ## Measure, beside a reference in the same run
	@$(BIN)/python -m benchmarks

chaos: $(READY) ## Kill, freeze, starve and mislead the admission pair and the controller (80 minutes)
	@$(BIN)/python -m tools.chaos

scale: $(READY) ## The controller with 10,000 namespaces: start, rest, repair, churn (about 20 minutes)
	@$(BIN)/python -m tools.scale

soak: $(READY) ## An hour of churn with 1,000 namespaces: nothing may grow
	@$(BIN)/python -m tools.scale --namespaces 1000 --minutes 60

up: $(READY) ## Start the control plane and everything on it, in the background; CHART=1 installs the chart
	@NSP_CHART="$(CHART)" $(BIN)/python -m tools.dev up

plane: $(READY) ## Start the control plane alone, in the background
	@$(BIN)/python -m tools.dev plane

down: $(READY) ## Stop what `make up` or `make plane` started
	@$(BIN)/python -m tools.dev down

status: $(READY) ## Show every process with its port, memory and log
	@$(BIN)/python -m tools.dev status

lint: $(READY) ## Check style, types, layers and spelling
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/codespell
	@$(BIN)/python -m tools.image lint

fmt: $(READY) ## Format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

binaries: ## Build the control plane's binaries into the cache (about 8 minutes, once)
	@$(PYTHON) -m tools.controlplane build $(NAMES)

fixtures: $(READY) ## Record the admission reviews of a real API server anew
	@$(BIN)/python -m tools.dev.recorder

docs: $(READY) ## Write the pages and the parts of the chart that are made from the code
	@$(BIN)/python -m tools.chart
	@$(BIN)/python -m tools.monitoring
	@$(BIN)/nsp explain --markdown > docs/rules.md
	@$(BIN)/nsp catalogue schema > docs/catalogue.schema.json

lock: $(READY) ## Pin the requirements anew, leaving out what is younger than a week
	@$(BIN)/pip install --quiet uv
	@compile="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --exclude-newer $$($(PYTHON) -c 'import datetime; print(datetime.date.today() - datetime.timedelta(7))')"; \
	$$compile --custom-compile-command "make lock" pyproject.toml -o requirements/runtime.txt && \
	$$compile --custom-compile-command "make lock" --group pyproject.toml:build -o requirements/build.txt && \
	$$compile --custom-compile-command "make lock" pyproject.toml --group dev -o requirements/dev.txt

clean: ## Remove the virtual environment and what the tools left
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + ": name another one with make PYTHON=python3.12 ...")'
	@echo "installing the Python packages into $(VENV) (about 40 s, once)"
	@$(PYTHON) -m venv $(VENV) || { echo "error: $(PYTHON) has no venv module: install it (Debian: python3-venv)" >&2; exit 1; }
	@{ $(PIP) --require-hashes -r requirements/dev.txt && $(PIP) --no-build-isolation --no-deps --editable .; } \
	  || { echo "error: the Python packages cannot be installed: see above; a package index has to be in reach" >&2; exit 1; }
	@touch $@
