# `make demo` and `make test` set up whatever is missing, build, and run. `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
COLCON := .colcon
PREFIX := $(CURDIR)/$(VENV)

# The wheels' ROS alone, whatever ROS the calling shell has sourced; no model hub is ever asked.
unexport PYTHONPATH PYTHONHOME LD_LIBRARY_PATH COLCON_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
export AMENT_PREFIX_PATH := $(PREFIX)
export CMAKE_PREFIX_PATH := $(PREFIX)
export PATH := $(PREFIX)/bin:$(PATH)
export HF_HUB_OFFLINE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Able to make .venv (ensurepip) and to compile the messages' Python bindings (Python.h).
SUITABLE := import ensurepip, sys, sysconfig, os; v = sys.version_info[:2]; \
  sys.exit(not ((3, 10) <= v <= (3, 12) and os.path.exists(sysconfig.get_path("include") + "/Python.h")))
PYTHON ?= $(shell for python in python3.12 python3.11 python3.10 python3; do \
  $$python -c '$(SUITABLE)' 2>/dev/null && echo $$python && break; done)
NO_PYTHON := no Python 3.10 to 3.12 with venv and headers was found. On Debian and Ubuntu: \
  apt install python3-venv python3-dev. Or name one: make PYTHON=/path/to/python

# A ROS graph of its own: this machine only, and a domain that no other run is likely to have.
IN_ROS := source $(COLCON)/install/setup.bash && export \
  ROS_DOMAIN_ID=$$((1 + $$$$ % 101)) ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST \
  FASTRTPS_DEFAULT_PROFILES_FILE=$(CURDIR)/config/fastdds.xml &&

# Folders stand for the files in them: adding or removing one makes the folder newer.
INSTALLED_FOLDERS := $(shell find roma_ros quantize launch config -type d -not -name __pycache__ 2>/dev/null)
INTERFACE := package.xml CMakeLists.txt $(wildcard cmake/*.in msg/*.msg srv/*.srv)

.PHONY: help setup build demo test test-slow fuzz lint bench eval train-tiny ablations gptq clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## create .venv and install the pinned dependencies

build: $(COLCON)/.built ## build the messages and install the package into .colcon/install

demo: build ## play a stream into the real node over ROS; ends by itself within a minute
	$(IN_ROS) python -m roma_ros.nodes.demo

# Nodes keep the pace of real sensors, and are tested one after another; the rest, a file on each core.
test: lint ## lint, types and all tests, with real rclpy over loopback
	$(IN_ROS) OMP_NUM_THREADS=1 python -m pytest -m "not slow" --ignore test/nodes \
	  --numprocesses logical --maxprocesses 4 --dist loadfile
	$(IN_ROS) python -m pytest -m "not slow" test/nodes

test-slow: build ## the tests that `make test` leaves out because they take long
	$(IN_ROS) OMP_NUM_THREADS=1 python -m pytest -m slow || [ $$? -eq 5 ] # 5: there is none

# Goes on where it was stopped; `rm -r runs/fuzz` begins anew, FUZZ="images --seed 1" runs others.
fuzz: build ## a hundred thousand messages, damaged files and models, services at random: 20 minutes
	$(IN_ROS) OMP_NUM_THREADS=1 python test/fuzz/run.py --state runs/fuzz $(FUZZ)

lint: build ## ruff and mypy
	ruff check .
	mypy

bench: build ## measure; writes bench/results.json
	$(IN_ROS) python bench/bench.py

eval: setup ## measure roma_tiny on 500 test streams a task; writes bench/eval.json and pictures
	roma eval world --out bench/eval.json

# Two processes of one thread each keep two cores busier than one process of two. A stage that was
# stopped goes on where it was; one that is done is not run again.
# oneDNN compiles a kernel for each shape: it is to keep those of all lengths of batches.
TRAIN := OMP_NUM_THREADS=1 ONEDNN_PRIMITIVE_CACHE_CAPACITY=16384 \
  GLOO_SOCKET_IFNAME=lo TOKENIZERS_PARALLELISM=false \
  torchrun --nproc_per_node 2 --master_addr 127.0.0.1 --master_port 29531 $(VENV)/bin/roma train
resumed = $(if $(wildcard runs/$(1)/checkpoint-*),--resume)

train-tiny: build runs/stage2_voices/done ## train roma_tiny from nothing: 7 hours on two cores
	python -m roma_ros.models.make_roma_tiny roma_ros/models/roma_tiny \
	  --trained runs/mean_order runs/stage2_voices

runs/untrained/config.json:
	python -m roma_ros.models.make_roma_tiny $(@D) --seed 0

runs/stage0/done: runs/untrained/config.json
runs/stage0_speech/done: runs/stage0/done
runs/stage1/done: runs/stage0_speech/done
runs/stage2/done: runs/stage1/done
runs/stage0_speech_again/done: runs/stage2/done
runs/stage2_again/done: runs/stage0_speech_again/done
runs/stage0_words/done: runs/stage2_again/done
runs/stage2_words/done: runs/stage0_words/done
runs/stage2_questions/done: runs/stage2_words/done
runs/stage2_order/done: runs/mean_questions/done
runs/stage2_voices/done: runs/mean_order/done

# The last stages each go on from the mean of the one before and of what that one began with.
runs/mean_questions/done: runs/stage2_words/done runs/stage2_questions/done
runs/mean_order/done: runs/mean_questions/done runs/stage2_order/done
runs/mean_%/done:
	python -m roma_ros.models.make_roma_tiny $(@D) --trained $(^D)
	touch $@

# Each goes on from the one before it; stage0_speech is a stage0 with settings of its own.
runs/stage%/done:
	$(TRAIN) $(firstword $(subst _, ,stage$*)) --config roma_ros/training/stages/stage$*.yaml \
	  --model $(<D) --out $(@D) $(call resumed,stage$*)
	touch $@

ablations: build runs/stage1/done ## train and measure variants of the recipe: an hour, after stage 1
	python bench/ablations.py --encoders runs/stage0_speech --aligned runs/stage1

gptq: setup ## add the libraries of the recipe gptq4, which ask for newer ones than ours
	python -m pip install --quiet --no-deps --no-build-isolation --requirement quantize/gptq.txt

clean: ## remove all that was built (.venv stays)
	rm -rf $(COLCON) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/pip:
	$(or $(PYTHON),$(error $(NO_PYTHON))) -m venv $(VENV)
	rm -rf $(COLCON)

$(VENV)/.installed: constraints.txt pyproject.toml setup.py cmake/mend_ros_wheels.py | $(VENV)/bin/pip
	@echo "Installing the pinned dependencies into $(VENV): minutes the first time."
	touch $(VENV)/COLCON_IGNORE
	python -m pip install --quiet --constraint constraints.txt setuptools
	python -m pip install --quiet --constraint constraints.txt --no-build-isolation \
	  --editable '.[dev,quantize,ros,train,world]'
	python cmake/mend_ros_wheels.py
	touch $@

$(COLCON)/.built: $(VENV)/.installed $(INTERFACE) $(INSTALLED_FOLDERS)
	colcon --log-base $(COLCON)/log build --symlink-install --base-paths . \
	  --build-base $(COLCON)/build --install-base $(COLCON)/install \
	  --cmake-args -DPython3_EXECUTABLE=$(PREFIX)/bin/python -DPYTHON_EXECUTABLE=$(PREFIX)/bin/python
	touch $@
