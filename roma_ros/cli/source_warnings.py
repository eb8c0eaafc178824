"""Warnings of sources, printed to standard error."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from roma_ros.cli.text import one_line

__all__ = ["warnings_on_stderr"]

LOGGERS = ("roma_ros.sources", "roma_ros.cli")


class _Handler(logging.Handler):
    """Handler that prints to the current sys.stderr, which a live view replaces."""

    def emit(self, record: logging.LogRecord) -> None:
        print(f"roma: {record.levelname.lower()}: {one_line(record.getMessage())}", file=sys.stderr)


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Print the log's warnings in the form of all messages of `roma`."""
    handler = _Handler(logging.WARNING)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
