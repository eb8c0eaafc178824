"""`roma train`: one stage of the curriculum."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from roma_ros.cli.errors import UsageError
from roma_ros.cli.parser import Commands, add_command

if TYPE_CHECKING:
    from roma_ros.training.settings import TrainSettings

__all__ = ["add_to"]

STAGES = ("stage0", "stage1", "stage2")
DETAILS = """\
Give a STAGE for its default settings, or --config for a settings file. The
settings of the stages, and of the further stages that trained roma_tiny, are
in roma_ros/training/stages; lora_3b.yaml there trains adapters for
Qwen2.5-Omni. docs/training.md describes the settings.
"""
EPILOG = """\
stages:
  stage0  trains all parameters, encoders included, on questions about one or
          two seconds; for roma_tiny only
  stage1  trains answers to questions about streams of units
  stage2  trains p(speak), with a small share of stage 1

output:
  OUT holds the trained checkpoint, for `roma run --model OUT`; checkpoint-N,
  from which --resume continues; and the losses as log.jsonl and log.png. With
  `lora` in the settings, checkpoint-N holds adapters, which are merged at the
  end.

examples:
  roma train stage0 --out runs/0
  roma train stage1 --model runs/0 --out runs/1
  roma train stage2 --model runs/1 --out runs/2 --resume
  roma train --config mine.yaml --out runs/mine
  roma train stage2 --data train.jsonl --eval-data val.jsonl --out runs/own
  roma train stage2 --data train.jsonl --passes 4 --world 0.02 --out runs/own

exit codes:
  0    the checkpoint is trained
  2    wrong arguments or settings, or the model cannot be loaded
  130  interrupted by Ctrl-C; --resume continues
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "train",
        usage="[OPTIONS] (STAGE | --config FILE) --out FOLDER",
        summary="train a checkpoint by a stage of the curriculum",
        details=DETAILS,
        epilog=EPILOG,
    )
    arguments = parser.add_argument_group("arguments")
    arguments.add_argument(
        "stage",
        metavar="STAGE",
        nargs="?",
        choices=STAGES,
        help="stage whose default settings are used: stage0, stage1 or stage2; see below",
    )
    options = parser.add_argument_group("training")
    options.add_argument(
        "--config", type=Path, metavar="FILE", help="YAML file of settings, in place of STAGE"
    )
    options.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="folder for the checkpoints"
    )
    options.add_argument(
        "--model", metavar="PATH", help="checkpoint to start from (default: as in the settings)"
    )
    options.add_argument(
        "--data",
        type=Path,
        action="append",
        metavar="FILE",
        help="file of samples to train on, in place of the lessons; may be given several times",
    )
    options.add_argument(
        "--passes",
        type=float,
        metavar="N",
        help="number of passes over each --data (default: 1)",
    )
    options.add_argument(
        "--world",
        type=float,
        metavar="SHARE",
        help="share of the lessons of the settings that is mixed into --data, 0 to 1 (default: 0)",
    )
    options.add_argument(
        "--eval-data",
        type=Path,
        metavar="FILE",
        help="file of samples that is streamed for scores at every checkpoint",
    )
    options.add_argument(
        "--strict", action="store_true", help="stop at a sample that cannot be used"
    )
    options.add_argument(
        "--recordings",
        metavar="DIR",
        help="folder of recorded sounds, such as ESC-10 (default: as in the settings)",
    )
    options.add_argument(
        "--footage",
        type=Path,
        metavar="DIR",
        help="folder of video files as backdrops of the lessons of sights (default: as in the "
        "settings)",
    )
    options.add_argument(
        "--resume", action="store_true", help="continue from the newest checkpoint in --out"
    )
    parser.set_defaults(command=train)


def train(arguments: argparse.Namespace) -> int:
    """Train a checkpoint; returns the exit code.

    Raises:
        UsageError: wrong arguments or settings, or the model cannot be loaded.
    """
    file = _settings_file(arguments)
    # torch and transformers take seconds to import, and `roma train --help` needs neither.
    from roma_ros.data import DataError
    from roma_ros.thinker import CheckpointError
    from roma_ros.training.settings import TrainSettings
    from roma_ros.training.trainer import train as run_stage

    try:
        settings = TrainSettings.read(file)
        if arguments.model is not None:
            settings = replace(settings, model=arguments.model)
        if arguments.recordings is not None:
            settings = replace(settings, recordings=arguments.recordings)
        if arguments.footage is not None:
            settings = replace(settings, footage=arguments.footage)
        settings = _with_data(settings, arguments)
        out = run_stage(settings, arguments.out, resume=arguments.resume)
    except (CheckpointError, DataError, ValueError) as error:
        raise UsageError(str(error)) from error
    if int(os.environ.get("RANK", "0")) == 0:  # of several processes that torchrun started
        print(f"trained checkpoint: {out}")
    return 0


def _with_data(settings: TrainSettings, arguments: argparse.Namespace) -> TrainSettings:
    """Return the settings with the files of samples of the command line."""
    if arguments.data is None and (arguments.passes is not None or arguments.world is not None):
        raise UsageError("--passes and --world are for --data FILE; give one, or leave them out")
    if arguments.data is not None:
        passes = 1.0 if arguments.passes is None else arguments.passes
        world = {"world": arguments.world} if arguments.world else {}
        files = {str(file): passes for file in arguments.data}
        settings = replace(settings, mixture={**files, **world})
    if arguments.eval_data is not None:
        settings = replace(settings, eval_data=arguments.eval_data)
    return replace(settings, strict=settings.strict or arguments.strict)


def _settings_file(arguments: argparse.Namespace) -> Path:
    stage, config = arguments.stage, arguments.config
    if stage is None and config is None:
        raise UsageError(f"no settings; give a stage ({', '.join(STAGES)}) or --config FILE")
    if config is None:
        return Path(str(files("roma_ros.training"))) / "stages" / f"{stage}.yaml"
    if stage is not None:
        raise UsageError(
            f"{stage} and --config {config} are two settings; expected one of them. Leave out "
            f"{stage} to train with the file"
        )
    return Path(config)
