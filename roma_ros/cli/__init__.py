"""The `roma` command: one module per command, and shared modules."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from roma_ros.missing_library import UNUSABLE, explain_import_error

__all__ = ["main"]

_failure: ImportError | None = None
try:
    from roma_ros.cli.main import main as _run
except ImportError as error:  # reported by `main`, not at import
    _failure = error


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code.

    A library that is missing, or has an unsupported version, is reported in one line.

    Args:
        argv: arguments without the program's name; `None`: those of the process.

    Raises:
        SystemExit: from argparse, after --help, --version or a usage error.
    """
    try:
        if _failure is not None:
            raise _failure
        return _run(argv)
    except ImportError as error:
        if (sentence := explain_import_error(error)) is None:
            raise
        print(f"roma: error: {sentence}", file=sys.stderr)
        return UNUSABLE
