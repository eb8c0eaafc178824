"""`roma completion`: a script that lets a shell complete the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from roma_ros.cli.errors import UsageError

__all__ = ["add_to"]

SHELLS = ("bash", "zsh")
HELP = "print a script that lets bash or zsh complete the command line"
EXAMPLES = """\
examples:
  eval "$(roma completion bash)"                   for this shell
  roma completion bash > ~/.local/share/bash-completion/completions/roma
  roma completion zsh > ~/.zfunc/_roma             with fpath+=~/.zfunc before compinit
"""
FILES = ("FILE", "FOLDER", "PATH", "SOURCE", "IMAGE")
"""Words in the placeholder of an argument that is a file or folder."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "completion",
        help=HELP,
        description=f"{HELP.capitalize()}.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS)
    parser.set_defaults(command=_completion)


def _completion(arguments: argparse.Namespace) -> int:
    from roma_ros.cli.main import make_parser

    try:
        import shtab
    except ImportError as error:
        raise UsageError("completion needs shtab; install it with: pip install shtab") from error
    parser = make_parser()
    _complete_files(parser, shtab.FILE)
    print(shtab.complete(parser, arguments.shell))
    return 0


def _complete_files(parser: argparse.ArgumentParser, files: object) -> None:
    """Let arguments that are paths be completed with files, in all commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                _complete_files(command, files)
        elif action.type is Path or _is_file(action):
            action.complete = files  # type: ignore[attr-defined]


def _is_file(action: argparse.Action) -> bool:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    return any(word in name.upper() for word in FILES)
