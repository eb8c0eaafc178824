"""The `roma` command."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from roma_ros.cli.errors import CommandError, UsageError
from roma_ros.missing_library import explain_import_error

__all__ = ["COMMANDS", "main", "make_parser"]

COMMANDS = (
    *("run", "events", "replay", "world", "train", "eval", "quantize", "bench", "plan"),
    *("doctor", "completion"),
)
"""Names of commands, and of the modules beside this one that hold them."""
WITHOUT_LIBRARIES = ("doctor",)
"""These work when a library is missing or broken: no other command is imported for them."""
INTERRUPTED = 130  # as shells have it: 128 + SIGINT

DESCRIPTION = "A robot's sense of when to speak: watch a stream, alert, narrate and answer."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, or raises SystemExit as argparse does."""
    given = sys.argv[1:] if argv is None else list(argv)
    _open_closed_streams()
    try:
        arguments = make_parser(_commands_for(given)).parse_args(given)
        code: int = arguments.command(arguments)
    except CommandError as error:
        print(f"roma: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("roma: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()  # whoever read it has had enough (`roma run ... | head`)
        return 0
    except OSError as error:  # a full disk, or an output that has gone
        _discard_output()
        where = f"{error.filename}: " if error.filename else ""
        print(f"roma: error: {where}{error.strerror or error}", file=sys.stderr)
        return CommandError.exit_code
    return code


def _discard_output() -> None:
    """Python would complain once more when it flushes standard output at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _open_closed_streams() -> None:
    """A shell may have closed standard output or error (`>&-`): what goes there is discarded."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def _commands_for(given: Sequence[str]) -> Sequence[str]:
    """The commands whose modules have to be imported for these arguments."""
    if given[:1] == ["--version"]:
        return ()
    alone = bool(given) and given[0] in WITHOUT_LIBRARIES
    return given[:1] if alone else COMMANDS


def make_parser(commands: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser of the whole command line.

    Args:
        commands: those that it knows.

    Raises:
        UsageError: a library that a command imports is missing or broken.
    """
    parser = argparse.ArgumentParser(
        prog="roma", description=DESCRIPTION, epilog="`roma COMMAND --help` tells more."
    )
    parser.add_argument(
        "--version",
        action=_Version,
        help="show the version, its commit and those of the libraries, and exit",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in commands:
        try:
            module = importlib.import_module(f"roma_ros.cli.{name}")
        except (ImportError, OSError) as error:
            said = explain_import_error(error) if isinstance(error, ImportError) else None
            raise UsageError(
                f"{said or f'{type(error).__name__}: {error}'}; `roma doctor` tells what else is "
                "missing and what to do"
            ) from error
        module.add_to(subparsers)
    return parser


class _Version(argparse.Action):
    """As argparse's own, of a text that is made only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from roma_ros.machine import describe_versions

        print(describe_versions())
        parser.exit()
