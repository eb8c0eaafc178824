"""Count of rows and files that were read, kept or skipped, with the reasons."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from roma_ros.data.errors import DataError

__all__ = ["SkipLog"]

LOG = logging.getLogger(__name__)
SHOWN = 20


@dataclass(slots=True)
class SkipLog:
    """Log of what was skipped. The first 20 are logged as warnings one by one, all are counted.

    Attributes:
        strict: whether the first row that cannot be used is an error instead.
        kept: number of rows, or samples, that are used.
        skipped: number of rows that are not used, by reason.
        changed: number of rows that are used with a change, by what was changed.
    """

    strict: bool = False
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)

    def skip(self, reason: str, error: Exception | str) -> None:
        """Count a row that is not used.

        Args:
            reason: a few words, the same for all rows with this fault, such as "no video".
            error: file, row and fault.

        Raises:
            DataError: the log is strict.
        """
        if self.strict:
            if isinstance(error, DataError):
                raise error
            raise DataError(str(error)) from None
        self.skipped[reason] += 1
        count = self.skipped.total()
        if count <= SHOWN:
            LOG.warning("skipped: %s", error)
        if count == SHOWN:
            LOG.warning("skipped: more of them are counted alone")

    def change(self, what: str) -> None:
        """Count a row that is used with a change, such as "cut at the end of the video"."""
        self.changed[what] += 1

    def summary(self) -> str:
        """Return the counts in one line, such as `58 kept, 2 skipped (no video: 2)`."""
        text = f"{self.kept:,} kept"
        if self.skipped:
            text += f", {self.skipped.total():,} skipped ({_counts(self.skipped)})"
        if self.changed:
            text += f", {self.changed.total():,} changed ({_counts(self.changed)})"
        return text


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{reason}: {count:,}" for reason, count in counts.most_common())
