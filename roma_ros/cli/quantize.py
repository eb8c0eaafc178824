"""`roma quantize`: a bundle for deployment, made of a checkpoint."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from roma_ros.cli.arguments import frame_size
from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.cli.parser import Commands, add_command

if TYPE_CHECKING:
    from roma_ros.quantize.bundle_writer import BundleSettings

__all__ = ["add_to"]

MAX_PROMPT_BYTES = 32_768
DETAILS = """\
A bundle is a model folder with quantized weights, encoders in ONNX where the
recipe says so, and a manifest with the hash of every file. Use it as `roma
run --model OUT`, or as model:=OUT of the node.
"""
EPILOG = """\
recipes:
  nf4            backbone in 4 bits (bitsandbytes NF4, double quantization)
  int8           backbone in 8 bits (bitsandbytes)
  gptq4          backbone in 4 bits by GPTQ, fitted to units; see `make gptq`
  onnx-int8      encoders in ONNX INT8, speak head in ONNX, backbone unchanged
  nf4-onnx-int8  nf4 and onnx-int8 together
  PATH.yaml      your own: backbone, lm_head, vision, audio, speak_head; see
                 docs/quantize.md

  Embeddings, LM head and speak head are unchanged unless the recipe says
  otherwise. An encoder in ONNX takes frames of one size only: --frame-size.

examples:
  roma quantize roma_tiny tiny_nf4 --recipe nf4
  roma quantize Qwen2.5-Omni-3B omni_jetson --recipe nf4-onnx-int8 \\
      --frame-size 1280x720 --calibrate kitchen.mp4
  roma quantize ROMA roma_nf4 --recipe nf4 --system-prompt-file prompt.txt
  roma compare roma_tiny tiny_nf4              what it saves, and what it costs

exit codes:
  0    the bundle is written
  1    a clip cannot be decoded, or the bundle cannot be written
  2    a wrong argument, or a recipe that does not fit the checkpoint
  130  interrupted by Ctrl-C; an older bundle at OUT is unchanged
"""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "quantize",
        usage="[OPTIONS] MODEL OUT --recipe RECIPE",
        summary="make a quantized bundle of a checkpoint, for deployment",
        details=DETAILS,
        epilog=EPILOG,
    )
    positional = parser.add_argument_group("arguments")
    positional.add_argument("model", metavar="MODEL", help="folder of a checkpoint, or roma_tiny")
    positional.add_argument(
        "out", metavar="OUT", type=Path, help="folder to write; an older bundle there is replaced"
    )
    options = parser.add_argument_group("bundle")
    options.add_argument(
        "--recipe",
        metavar="RECIPE",
        required=True,
        help="how each part of the model is stored; see below",
    )
    options.add_argument(
        "--system-prompt-file",
        type=Path,
        metavar="FILE",
        help="text file with the first turn of every session (default: as in the checkpoint)",
    )
    options.add_argument(
        "--frame-size",
        type=frame_size,
        default=(640, 480),
        metavar="WxH",
        help="frame size of the camera, px, for a vision encoder in ONNX (default: 640x480)",
    )
    options.add_argument(
        "--calibrate",
        type=Path,
        nargs="+",
        default=[],
        metavar="CLIP",
        help="video or audio files to calibrate with (default: synthetic streams)",
    )
    parser.add_argument("--compare", action=_CompareMoved, help=argparse.SUPPRESS)
    parser.set_defaults(command=_quantize)


class _CompareMoved(argparse.Action):
    """Removed option; its error names the command that replaced it."""

    def __init__(self, option_strings: list[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        parser.error("--compare is a command of its own: roma compare SOURCE BUNDLE")


def _quantize(arguments: argparse.Namespace) -> int:
    # torch, transformers and onnx take seconds to import, and `roma --help` needs none.
    from rich.console import Console
    from transformers.utils import logging as transformers_logging

    from roma_ros.quantize.bundle_writer import write_bundle
    from roma_ros.quantize.errors import QuantizeError
    from roma_ros.sources import SourceError
    from roma_ros.thinker import ThinkerError
    from roma_ros.world import SpeechError, WorldError

    transformers_logging.disable_progress_bar()
    out: Path = arguments.out
    try:
        with Console().status("starting") as status:
            manifest = write_bundle(
                _bundle_settings(arguments), out, on_step=lambda step: status.update(step)
            )
    except (SourceError, SpeechError, WorldError, OSError) as error:
        raise CommandError(str(error)) from error
    except (QuantizeError, ThinkerError, ValueError) as error:
        raise UsageError(str(error)) from error
    print(f"{out}: {len(manifest.files)} files, {manifest.bytes / 1e6:,.1f} MB")
    return 0


def _bundle_settings(arguments: argparse.Namespace) -> BundleSettings:
    from roma_ros.quantize.bundle_writer import BundleSettings
    from roma_ros.quantize.recipe import Recipe

    prompt = None
    if (file := arguments.system_prompt_file) is not None:
        prompt = _prompt(file)
    return BundleSettings(
        model=arguments.model,
        recipe=Recipe.find(arguments.recipe),
        system_prompt=prompt,
        clips=tuple(arguments.calibrate),
        frame_size=arguments.frame_size,
    )


def _prompt(file: Path) -> str:
    try:
        if (size := file.stat().st_size) > MAX_PROMPT_BYTES:
            raise UsageError(
                f"--system-prompt-file {file} has {size:,} bytes; expected at most "
                f"{MAX_PROMPT_BYTES:,}"
            )
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read as UTF-8 text: {error}") from error
    if not text:
        raise UsageError(f"--system-prompt-file {file} is empty; expected a system prompt")
    return text
