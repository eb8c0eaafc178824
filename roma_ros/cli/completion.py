"""`roma completion`: shell completion for the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from roma_ros.cli.errors import UsageError
from roma_ros.cli.parser import Commands, add_command

__all__ = ["add_to"]

SHELLS = ("bash", "zsh")
EPILOG = """\
examples:
  eval "$(roma completion bash)"                       for this shell only
  roma completion bash > ~/.local/share/bash-completion/completions/roma
  roma completion zsh > ~/.zfunc/_roma     with fpath+=~/.zfunc before compinit

exit codes:
  0  the script is printed
  2  a wrong argument, or shtab is not installed
"""
FILES = ("FILE", "FOLDER", "PATH", "SOURCE", "IMAGE")
"""Words in the metavar of an argument that is completed with files and folders."""


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "completion",
        usage="SHELL",
        summary="print a shell completion script for bash or zsh",
        epilog=EPILOG,
    )
    arguments = parser.add_argument_group("arguments")
    arguments.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash or zsh")
    parser.set_defaults(command=_completion)


def _completion(arguments: argparse.Namespace) -> int:
    from roma_ros.cli.main import make_parser

    try:
        import shtab
    except ImportError as error:
        raise UsageError("shtab is not installed; install it with: pip install shtab") from error
    parser = make_parser()
    _complete_files(parser, shtab.FILE)
    print(shtab.complete(parser, arguments.shell))
    return 0


def _complete_files(parser: argparse.ArgumentParser, files: object) -> None:
    """Mark the arguments of all commands that are completed with files."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_files(command, files)
        elif action.type is Path or _is_file(action):
            action.complete = files  # type: ignore[attr-defined]


def _is_file(action: argparse.Action) -> bool:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    return any(word in name.upper() for word in FILES)
