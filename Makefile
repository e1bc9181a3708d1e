# Two commands do everything: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)

.PHONY: setup demo test check ui server server-user lock clean

setup:  ## .venv, the MLflow project environment, the tracking store
	@$(PYTHON) scripts/setup.py

demo: setup  ## the main job on the embedded cohort
	@PATH="$(CURDIR)/.venv/bin:$$PATH" mlflow run . -e train_ctrcd

test: setup  ## everything CI runs
	@.venv/bin/python -m scripts.check

ui: setup  ## the MLflow UI on this machine only
	@.venv/bin/python -m scripts.ui

# By the environment: a command line, and a password in it, can be read by everyone on the machine.
ifdef URL
export CARDIO_SERVER_DATABASE := $(URL)
endif

server: setup  ## the team's tracking server: users, PostgreSQL, artifacts (docs/server.md)
	@.venv/bin/python -m scripts.server $(if $(PORT),--port $(PORT)) $(ARGS)

server-user: setup  ## a user of it: NAME=ann EXPERIMENTS=ctrcd MODELS=ctrcd_head
	@.venv/bin/python -m scripts.server_user --name "$(NAME)" --experiments "$(EXPERIMENTS)" \
		--models "$(MODELS)" $(if $(PERMISSION),--permission $(PERMISSION)) $(if $(CREATE),--create) $(ARGS)

lock:  ## after a change of requirements/direct.txt; then run `make setup`
	@.venv/bin/python scripts/lock.py
	@echo "pins changed: run 'make setup', which also makes MLflow's new project environment"
