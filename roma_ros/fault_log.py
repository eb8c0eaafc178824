"""Log faults of a worker that goes on: each kind once in full, then how often it has come."""

from __future__ import annotations

import logging
from collections import Counter

__all__ = ["FaultLog", "is_milestone"]

MAX_KINDS = 100
OTHERS = ("others", "")


def is_milestone(count: int) -> bool:
    """Whether a count is 1, 10, 100, ...: worth a line when each time is not."""
    return count > 0 and str(count).strip("0") == "1"


class FaultLog:
    """Counts faults by what was being done and the type of the error. For one thread.

    Args:
        logger: gets a traceback for the first fault of a kind, and a line at the 10th, 100th, ...
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._counts: Counter[tuple[str, str]] = Counter()

    def record(self, during: str, error: BaseException, *, expected: bool = False) -> int:
        """Count a fault and log it if it is due.

        Args:
            during: what was being done, such as "encode".
            error: what went wrong.
            expected: its message says all: nothing is logged.

        Returns:
            How many of this kind there have been.
        """
        kind = (during, type(error).__name__)
        if kind not in self._counts and len(self._counts) >= MAX_KINDS:
            kind = OTHERS
        self._counts[kind] += 1
        count = self._counts[kind]
        if expected:
            return count
        if count == 1:
            self._logger.error("could not %s; the assistant goes on", during, exc_info=error)
        elif is_milestone(count):
            name = type(error).__name__
            self._logger.error("could not %s, %d times so far: %s: %s", during, count, name, error)
        return count
