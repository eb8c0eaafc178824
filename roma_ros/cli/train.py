"""`roma train`: one stage of the curriculum."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from roma_ros.cli.errors import UsageError

__all__ = ["add_to"]

HELP = "train a checkpoint by a stage of the curriculum"
STAGES = ("stage0", "stage1", "stage2")
EXAMPLES = """\
stages
  stage0  encoders and all, by questions about a second or two; for roma_tiny alone
  stage1  answers to questions about streams in unit format
  stage2  when to speak, with a small share of stage 1

The settings of a stage stand in roma_ros/training/stages, beside those with which roma_tiny learnt
on from there (`make train-tiny` runs them all). --config takes one of these, or a file of your own,
with the lessons, and transformers' TrainingArguments under `trainer`. Checkpoints are models: any
can be given to `roma run --model`. With `lora` they hold adapters, until the run is done and they
are merged; lora_3b.yaml there is an example for Qwen2.5-Omni. log.jsonl and log.png: how it went.

examples:
  roma train stage0 --out runs/0
  roma train stage1 --model runs/0 --out runs/1
  roma train stage2 --model runs/1 --out runs/2 --resume
  roma train stage2 --config mine.yaml --out runs/mine
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "train",
        help=HELP,
        description=f"{HELP.capitalize()}.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoints")
    parser.add_argument("--model", help="what to start from (default: as the settings say)")
    parser.add_argument("--config", type=Path, help="settings (default: those of the stage)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the newest checkpoint in --out"
    )
    parser.set_defaults(command=train)


def train(arguments: argparse.Namespace) -> int:
    # torch and transformers take seconds to import, and `roma train --help` needs neither.
    from roma_ros.thinker import CheckpointError
    from roma_ros.training.settings import TrainSettings
    from roma_ros.training.trainer import train as run_stage

    stages = Path(str(files("roma_ros.training"))) / "stages"
    try:
        settings = TrainSettings.read(arguments.config or stages / f"{arguments.stage}.yaml")
        if arguments.model is not None:
            settings = replace(settings, model=arguments.model)
        out = run_stage(settings, arguments.out, resume=arguments.resume)
    except (CheckpointError, ValueError) as error:
        raise UsageError(str(error)) from error
    if int(os.environ.get("RANK", "0")) == 0:  # of several processes that torchrun started
        print(f"the trained checkpoint is in {out}")
    return 0
