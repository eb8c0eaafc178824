"""The `roma` command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from roma_ros import __version__
from roma_ros.cli import bench, events, plan, quantize, replay, run, train, world
from roma_ros.cli import eval as evaluation
from roma_ros.cli.errors import CommandError

__all__ = ["main"]

COMMANDS = (run, events, replay, world, train, evaluation, quantize, bench, plan)
INTERRUPTED = 130  # as shells have it: 128 + SIGINT

DESCRIPTION = "A robot's sense of when to speak: watch a stream, alert, narrate and answer."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, or raises SystemExit as argparse does."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
    except CommandError as error:
        print(f"roma: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("roma: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has had enough (`roma run ... | head`). Python would complain
        # once more when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="roma", description=DESCRIPTION, epilog="`roma COMMAND --help` tells more."
    )
    parser.add_argument("--version", action="version", version=f"roma {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return parser
