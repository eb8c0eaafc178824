# `make demo` and `make test` set up whatever is missing, build, and run. `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The release of ROS: jazzy, or kilted in an environment and a build of its own: make demo ROS=kilted
ROS := jazzy
RELEASES := jazzy kilted
$(if $(filter $(RELEASES),$(ROS)),,$(error ROS=$(ROS) is unknown; expected one of: $(RELEASES)))
OTHER := $(filter-out jazzy,$(ROS))
VENV := .venv$(OTHER:%=-%)
COLCON := .colcon$(OTHER:%=-%)
PINS := constraints.txt constraints-$(ROS).txt
# The extra of pyproject.toml, and the variable that names Fast DDS's profiles (3 renamed it).
EXTRA.jazzy := ros
EXTRA.kilted := ros-kilted
PROFILES.jazzy := FASTRTPS_DEFAULT_PROFILES_FILE
PROFILES.kilted := FASTDDS_DEFAULT_PROFILES_FILE
PREFIX := $(CURDIR)/$(VENV)

# The wheels' ROS alone, whatever ROS the calling shell has sourced; no model hub is ever asked.
unexport PYTHONPATH PYTHONHOME LD_LIBRARY_PATH COLCON_PREFIX_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE
unexport ROS_DISTRO FASTRTPS_DEFAULT_PROFILES_FILE FASTDDS_DEFAULT_PROFILES_FILE
export AMENT_PREFIX_PATH := $(PREFIX)
export CMAKE_PREFIX_PATH := $(PREFIX)
export PATH := $(PREFIX)/bin:$(PATH)
export HF_HUB_OFFLINE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Able to make .venv (ensurepip) and to compile the messages' Python bindings (Python.h).
SUITABLE := import ensurepip, sys, sysconfig, os; v = sys.version_info[:2]; \
  sys.exit(not ((3, 10) <= v <= (3, 13) and os.path.exists(sysconfig.get_path("include") + "/Python.h")))
PYTHON ?= $(shell for python in python3.12 python3.11 python3.10 python3.13 python3; do \
  $$python -c '$(SUITABLE)' 2>/dev/null && echo $$python && break; done)
NO_PYTHON := no Python 3.10 to 3.13 with venv and headers was found. On Debian and Ubuntu: \
  apt install python3-venv python3-dev. Or name one: make PYTHON=/path/to/python

# A ROS graph of its own: this machine only, and a domain that no other run is likely to have.
IN_ROS := source $(COLCON)/install/setup.bash && export \
  ROS_DOMAIN_ID=$$((1 + $$$$ % 101)) ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST \
  $(PROFILES.$(ROS))=$(CURDIR)/config/fastdds.xml &&

NEWEST := .venv-newest
LOWEST := .venv-lowest
NEWEST_TORCH = $(shell grep -E '^torch==' constraints.txt)
LOWEST_VERSIONS = $(shell grep -oE '"[a-z][a-z0-9-]*>=[0-9.]+,<[0-9.]+"' pyproject.toml | tr -d '"' \
  | sed -E 's/>=([0-9.]+),.*/==\1/' | sort -u)
# Before 3.12: the lowest versions have no wheels for what came after them.
LOWEST_PYTHON ?= $(shell for python in python3.10 python3.11 python3; do \
  $$python -c 'import ensurepip' 2>/dev/null && echo $$python && break; done)
WHEEL_TESTS := test/thinker test/units test/test_triggers.py test/models test/test_missing_library.py \
  test/quantize/test_bundle_writer.py test/training/test_lora.py

# $(1): a virtual environment, made by Python $(2) if it is not there; $(3): further arguments of pip.
# The wheel runs in a folder of its own; the tests run in it; folders go from it to .venv and back.
define with_wheel
	test -x $(1)/bin/python || $(2) -m venv $(1)
	touch $(1)/COLCON_IGNORE
	rm -rf build
	$(1)/bin/python -m pip install --quiet '.[quantize,train,world]' $(3) \
	  pytest pytest-timeout pytest-xdist hypothesis psutil
	$(1)/bin/python -m pip install --quiet --no-deps --force-reinstall .
	$(1)/bin/python -m pip list
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && export OMP_NUM_THREADS=1 && \
	(cd "$$folder" && $(CURDIR)/$(1)/bin/roma world render --seconds 8 --seed 3000000000 film.mp4 && \
	  $(CURDIR)/$(1)/bin/roma run film.mp4 --fast --watch "alert me when a purple circle appears" \
	  | grep -E 'ALERT|alert:|1 alerts?,') && \
	$(1)/bin/python -m pytest -m "not long" --numprocesses 2 --dist loadfile $(WHEEL_TESTS) && \
	$(1)/bin/python test/exchange.py write "$$folder/wheel" && \
	python test/exchange.py read "$$folder/wheel" && \
	python test/exchange.py write "$$folder/pinned" && \
	$(1)/bin/python test/exchange.py read "$$folder/pinned"
endef

# Folders stand for the files in them: adding or removing one makes the folder newer.
INSTALLED_FOLDERS := $(shell find roma_ros quantize launch config -type d -not -name __pycache__ 2>/dev/null)
INTERFACE := package.xml CMakeLists.txt $(wildcard action/*.action cmake/*.in msg/*.msg srv/*.srv)

.PHONY: help setup build demo test test-quick test-long test-newest test-lowest fuzz flood soak soak-ros lint docs bench eval train-tiny \
  ablations gptq clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## create .venv and install the pinned dependencies

build: $(COLCON)/.built ## build the messages and install the package into .colcon/install

demo: build ## play a stream into the real node over ROS; ends by itself within a minute
	$(IN_ROS) python -m roma_ros.demo

# Nodes keep the pace of real sensors, and are tested one after another; the rest, a file on each core,
# and with one release only: it does not depend on ROS.
test: build $(if $(OTHER),,lint) ## lint, types and all tests; ROS=kilted: the tests that use ROS
ifeq ($(OTHER),)
	$(IN_ROS) OMP_NUM_THREADS=1 python -m pytest -m "not long" --ignore test/nodes \
	  --numprocesses logical --maxprocesses 4 --dist loadfile
endif
	$(IN_ROS) python -m pytest -m "not long" test/nodes \
	  $(if $(OTHER),test/test_package.py test/test_ros_release.py)

test-quick: build ## the tests that take under a second each: under two minutes
	$(IN_ROS) OMP_NUM_THREADS=1 python -m pytest -m "not slow"

test-long: build ## the tests that `make test` leaves out because they take long
	$(IN_ROS) OMP_NUM_THREADS=1 python -m pytest -m long || [ $$? -eq 5 ] # 5: there is none

# The wheel with what its own ranges admit, not our pins. Torch stays the pinned one, which brings
# 6 GB of CUDA from PyPI where pip does not find a smaller file: NEWEST_TORCH=torch takes the newest.
test-newest: setup ## the thinker's tests with the newest libraries that pyproject.toml admits
	$(call with_wheel,$(NEWEST),$(PYTHON),--upgrade --upgrade-strategy eager $(NEWEST_TORCH))

test-lowest: setup ## the same with the lowest: torch from PyPI, 7 GB
	$(call with_wheel,$(LOWEST),$(LOWEST_PYTHON),$(LOWEST_VERSIONS))
# Continues where it was stopped; `rm -r runs/fuzz` begins anew, FUZZ="images --seed 1" runs others.
fuzz: build ## a hundred thousand messages, damaged files and models, services at random: 20 minutes
	$(IN_ROS) OMP_NUM_THREADS=1 python test/fuzz/run.py --state runs/fuzz $(FUZZ)

# Each attack is a node of its own; `rm -r runs/flood` begins anew, FLOOD="png_bomb --seconds 5" runs one.
flood: build ## hostile clients and publishers against the real node: 10 minutes
	$(IN_ROS) OMP_NUM_THREADS=1 python test/flood/flood.py --state runs/flood/state.json \
	  --out runs/flood/flood.json $(FLOOD)

lint: build ## ruff (rules and format) and mypy
	ruff check .
	ruff format --check .
	mypy

docs: setup ## the documentation as a web site, in build/site; needs no network
	mkdocs build --strict

bench: build ## measure; writes bench/results.json
	$(IN_ROS) python bench/bench.py

# The whole day takes hours alone on two cores; it continues after the last hour that was finished.
soak: setup ## a day of stream as fast as it goes, with faults injected; SOAK="--hours 4" for less
	OMP_NUM_THREADS=1 python bench/soak.py --resume $(SOAK)

# In real time; roma_node is killed every three minutes. SOAK_ROS="--minutes 10 --kill-every 60".
soak-ros: build ## an hour of the real node over ROS, killed and started again
	$(IN_ROS) OMP_NUM_THREADS=1 python bench/soak_ros.py $(SOAK_ROS)

# Real sounds and pictures are taken from these folders, where they are there.
EVAL_RECORDINGS ?= $(wildcard ../shared/data/esc10)
EVAL_FOOTAGE ?= $(wildcard ../shared/media)
eval: setup ## measure roma_tiny on continuous and short test streams; writes bench/eval.json and pictures
	roma eval world --out bench/eval.json $(if $(EVAL_RECORDINGS),--recordings $(EVAL_RECORDINGS)) \
		$(if $(EVAL_FOOTAGE),--footage $(EVAL_FOOTAGE))

# Two processes of one thread each keep two cores busier than one process of two. A stage that was
# stopped continues where it was; one that is done is not run again.
# oneDNN compiles a kernel for each shape: it is to keep those of all lengths of batches.
TRAIN := OMP_NUM_THREADS=1 ONEDNN_PRIMITIVE_CACHE_CAPACITY=16384 \
  GLOO_SOCKET_IFNAME=lo TOKENIZERS_PARALLELISM=false \
  torchrun --nproc_per_node 2 --master_addr 127.0.0.1 --master_port 29531 $(VENV)/bin/roma train
resumed = $(if $(wildcard runs/$(1)/checkpoint-*),--resume)

train-tiny: build runs/stage3_streams/done ## train roma_tiny from nothing: 7 hours on two cores
	python -m roma_ros.models.make_roma_tiny roma_ros/models/roma_tiny \
	  --trained runs/stage3_streams

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
runs/stage3_long/done: runs/mean_voices/done
runs/stage3_senses/done: runs/words/done
runs/stage3_sounds/done: runs/stage3_senses/done
runs/stage3_streams/done: runs/stage3_sounds/done

# The last stages each continue from the mean of the one before and of what that one began with.
runs/mean_questions/done: runs/stage2_words/done runs/stage2_questions/done
runs/mean_order/done: runs/mean_questions/done runs/stage2_order/done
runs/mean_voices/done: runs/mean_order/done runs/stage2_voices/done
runs/mean_%/done:
	python -m roma_ros.models.make_roma_tiny $(@D) --trained $(^D)
	touch $@

# The tokenizer gets a token for each new word of recorded sounds and sights.
runs/words/done: runs/stage3_long/done
	python -m roma_ros.models.make_roma_tiny $(@D) --extend $(<D)
	touch $@

# ESC-10 or ESC-50, and a folder of video files: stage 3 needs both; see docs/training.md.
RECORDINGS ?= ../shared/data/esc10
FOOTAGE ?= ../shared/media/backdrops
runs/stage3_senses/done runs/stage3_sounds/done runs/stage3_streams/done: \
  private DATA = --recordings $(RECORDINGS) --footage $(FOOTAGE)

# Each continues from the one before it; stage0_speech is a stage0 with settings of its own.
runs/stage%/done:
	$(TRAIN) --config roma_ros/training/stages/stage$*.yaml \
	  --model $(<D) --out $(@D) $(DATA) $(call resumed,stage$*)
	touch $@

ablations: build runs/stage1/done ## train and measure variants of the recipe: an hour, after stage 1
	python bench/ablations.py --encoders runs/stage0_speech --aligned runs/stage1

gptq: setup ## add the libraries of the recipe gptq4, which ask for newer ones than ours
	python -m pip install --quiet --no-deps --no-build-isolation --requirement quantize/gptq.txt

clean: ## remove all that was built (.venv stays)
	rm -rf .colcon .colcon-* build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/pip:
	$(or $(PYTHON),$(error $(NO_PYTHON))) -m venv $(VENV)
	rm -rf $(COLCON)

$(VENV)/.installed: $(PINS) pyproject.toml setup.py cmake/mend_ros_wheels.py | $(VENV)/bin/pip
	@echo "Installing the pinned dependencies into $(VENV): minutes the first time."
	touch $(VENV)/COLCON_IGNORE
	python -m pip install --quiet $(PINS:%=--constraint %) setuptools
	python -m pip install --quiet $(PINS:%=--constraint %) --no-build-isolation \
	  --editable '.[bags,dev,docs,hooks,quantize,$(EXTRA.$(ROS)),train,world]'
	python cmake/mend_ros_wheels.py
	touch $@

$(COLCON)/.built: $(VENV)/.installed $(INTERFACE) $(INSTALLED_FOLDERS)
	colcon --log-base $(COLCON)/log build --symlink-install --base-paths . \
	  --build-base $(COLCON)/build --install-base $(COLCON)/install \
	  --cmake-args -DPython3_EXECUTABLE=$(PREFIX)/bin/python -DPYTHON_EXECUTABLE=$(PREFIX)/bin/python
	touch $@
