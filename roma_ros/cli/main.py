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
from roma_ros.cli.parser import HelpFormatter, add_commands
from roma_ros.missing_library import explain_import_error

__all__ = ["COMMANDS", "main", "make_parser"]

COMMANDS = (
    *("run", "events", "replay", "world", "data", "label", "train", "eval", "quantize"),
    *("compare", "bench", "plan", "doctor", "completion"),
)
"""Names of the commands, and of the modules of this package that implement them."""
WITHOUT_LIBRARIES = ("doctor",)
"""Commands that work when a library is missing or broken: no other command is imported for them."""
INTERRUPTED = 130  # exit code by the convention of shells: 128 + SIGINT

DESCRIPTION = """\
Watch a camera and a microphone with a streaming audio-video language model
that decides every second whether to speak: alerts, narration and answers.
"""
EPILOG = """\
examples:
  roma run clip.mp4 --watch "alert me when you hear two beeps"
  roma run 0 mic --narrate
  roma doctor

exit codes of all commands:
  0    success
  1    the command failed while it ran
  2    it could not start: a wrong argument, a missing file, an unusable model
  3    `roma run`: a part of the stream was not processed
  130  interrupted by Ctrl-C

`roma COMMAND --help` describes a command.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    Args:
        argv: arguments without the program's name; `None`: those of the process.

    Raises:
        SystemExit: from argparse, after --help, --version or a usage error.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    if sys.stderr is None:  # closed by a shell (`2>&-`)
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    try:
        _check_surroundings(given)
        arguments = make_parser(_commands_for(given)).parse_args(given)
        code: int = arguments.command(arguments)
    except CommandError as error:
        print(f"roma: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("roma: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()  # the reader has closed the pipe, as in `roma run ... | head`
        return 0
    except OSError as error:  # a full disk, or an output that is closed
        _discard_output()
        where = f"{error.filename}: " if error.filename else ""
        print(f"roma: error: {where}{error.strerror or error}", file=sys.stderr)
        return CommandError.exit_code
    return code


def _discard_output() -> None:
    """Redirect standard output to nothing, or Python fails again when it flushes it at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check_surroundings(given: Sequence[str]) -> None:
    """Check that there is an output, and that all arguments are valid text.

    Raises:
        CommandError: standard output is closed (`>&-`), so all results would be lost.
        UsageError: an argument is not UTF-8.
    """
    if sys.stdout is None:
        raise CommandError("standard output is closed; send it to /dev/null to discard it")
    for argument in given:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            shown = ascii(os.fsencode(argument))[1:60]
            raise UsageError(f"argument {shown} is not UTF-8; expected text in UTF-8") from error


def _commands_for(given: Sequence[str]) -> Sequence[str]:
    """Return the commands whose modules have to be imported for these arguments."""
    if given[:1] == ["--version"]:
        return ()
    alone = bool(given) and given[0] in WITHOUT_LIBRARIES
    return given[:1] if alone else COMMANDS


def make_parser(commands: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """Make the parser of the whole command line.

    Args:
        commands: names of the commands to include.

    Raises:
        UsageError: a library that a command imports is missing or broken.
    """
    parser = argparse.ArgumentParser(
        prog="roma",
        usage="%(prog)s [--version] COMMAND ...",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "--version",
        action=_Version,
        help="print the versions of roma_ros and its libraries, and exit",
    )
    subparsers = add_commands(parser, title="commands", metavar="COMMAND")
    for name in commands:
        try:
            module = importlib.import_module(f"roma_ros.cli.{name}")
        except (ImportError, OSError) as error:
            reason = explain_import_error(error) if isinstance(error, ImportError) else None
            raise UsageError(
                f"{reason or f'{type(error).__name__}: {error}'}; `roma doctor` lists what else is "
                "missing and what to do"
            ) from error
        module.add_to(subparsers)
    return parser


class _Version(argparse.Action):
    """Option that prints the versions; unlike argparse's, it makes the text only when given."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from roma_ros.machine import describe_versions

        print(describe_versions())
        parser.exit()
