"""Results of a command: the folder that they go to, JSON files, and the width of tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roma_ros.cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["check_folder_of", "table_console", "write_json"]


def check_folder_of(path: Path | None) -> None:
    """Check, before the work, that the folder of a file to be written exists.

    Raises:
        UsageError: it does not.
    """
    if path is not None and not path.absolute().parent.is_dir():
        raise UsageError(f"{path.absolute().parent} is not a folder; create it first")


def write_json(path: Path, value: Any) -> None:
    """Write a value as an indented JSON file.

    Raises:
        CommandError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error


def table_console(width: int) -> Console:
    """Return a console for tables; in a file or pipe it is `width` characters wide."""
    from rich.console import Console  # `roma --help` does not need it

    console = Console()
    return console if console.is_terminal else Console(width=width)
