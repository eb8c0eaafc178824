"""Log of recovered faults: each kind once with a traceback, then its count at 10, 100, ..."""

from __future__ import annotations

import logging
from collections import Counter

__all__ = ["FaultLog", "is_milestone"]

MAX_KINDS = 100
OTHERS = ("others", "")


def is_milestone(count: int) -> bool:
    """Return whether a count is a power of ten (1, 10, 100, ...), at which a repeat is logged."""
    return count > 0 and str(count).strip("0") == "1"


class FaultLog:
    """Count and log faults by operation and type of error. For one thread.

    Args:
        logger: gets a traceback for the first fault of a kind, and a line at the 10th, 100th, ...
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._counts: Counter[tuple[str, str]] = Counter()

    def record(self, during: str, error: BaseException, *, expected: bool = False) -> int:
        """Count a fault, and log it if its kind is new or its count a power of ten.

        Args:
            during: the operation that failed, such as "encode".
            error: the error.
            expected: count only; the error's message is reported elsewhere.

        Returns:
            Number of faults of this kind so far.
        """
        kind = (during, type(error).__name__)
        if kind not in self._counts and len(self._counts) >= MAX_KINDS:
            kind = OTHERS
        self._counts[kind] += 1
        count = self._counts[kind]
        if expected:
            return count
        if count == 1:
            self._logger.error("could not %s; the assistant continues", during, exc_info=error)
        elif is_milestone(count):
            name = type(error).__name__
            self._logger.error("could not %s, %d times so far: %s: %s", during, count, name, error)
        return count
