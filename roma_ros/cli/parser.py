"""Argument parsers of the `roma` command."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, TypeAlias

__all__ = ["CommandParser", "Commands", "HelpFormatter", "add_command", "add_commands"]


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Formatter of `--help` that aligns the texts of commands, whatever their names' lengths."""

    def add_argument(self, action: argparse.Action) -> None:
        """Add an argument's help; argparse forgets that commands are indented once more."""
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


class CommandParser(argparse.ArgumentParser):
    """Parser of one command; it reports unknown options with that command's usage.

    argparse leaves them to the parser of the whole command line, which has none of its options.
    """

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Parse, and exit with a usage error if an argument is unknown."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


Commands: TypeAlias = "argparse._SubParsersAction[CommandParser]"
"""What a command is added to."""


def add_commands(parser: argparse.ArgumentParser, *, title: str, metavar: str) -> Commands:
    """Add a required choice of commands to a parser.

    Args:
        parser: parser to add them to.
        title: heading in its help.
        metavar: name of the choice.
    """
    return parser.add_subparsers(
        title=title,
        metavar=metavar,
        required=True,
        prog=parser.prog,  # without the parent's usage
        parser_class=CommandParser,
    )


def add_command(
    commands: Commands, name: str, *, usage: str, summary: str, details: str = "", epilog: str = ""
) -> CommandParser:
    """Add a command.

    Args:
        commands: the commands of the parent parser.
        name: word on the command line.
        usage: what follows the command's name, such as `[OPTIONS] FILE`.
        summary: one line in the parent's list of commands, and the first line of the help.
        details: more of the description.
        epilog: sections below the options, such as examples and exit codes, already wrapped.
    """
    sentence = f"{summary[0].upper()}{summary[1:]}."
    return commands.add_parser(
        name,
        help=summary,
        usage=f"%(prog)s {usage}",
        description=f"{sentence}\n\n{details}" if details else sentence,
        epilog=epilog,
        formatter_class=HelpFormatter,
    )
