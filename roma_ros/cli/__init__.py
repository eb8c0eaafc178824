"""`roma ...`: one file per command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from roma_ros.missing_library import UNUSABLE, explain_import_error

__all__ = ["main"]

_failure: ImportError | None = None
try:
    from roma_ros.cli.main import main as _run
except ImportError as error:  # `main` says so, not whoever imports this
    _failure = error


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code, or raises SystemExit as argparse does.

    A library that is missing, or does not fit, is said in one line.
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
