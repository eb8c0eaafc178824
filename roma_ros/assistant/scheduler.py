"""Whose turn it is: hearing, speaking or answering."""

from __future__ import annotations

import enum
from collections.abc import Collection

__all__ = ["Scheduler", "Work"]


class Work(enum.Enum):
    """One slice of work."""

    UNIT = "unit"  # hear a unit, in all sessions
    SPEECH = "speech"  # go on with a reply, by the budget of one unit
    ANSWER = "answer"  # go on with an answer, by a few tokens


class Scheduler:
    """Units go first, then speech, then answers; but nobody is silenced for ever.

    While the model is slower than the sensors a unit waits at all times. So each kind lets one
    slice of a lower kind pass after its own: a unit waits for at most one slice, and every reply
    and answer goes on, however late the assistant is.
    """

    def __init__(self) -> None:
        self._last = Work.ANSWER
        self._last_slice = Work.ANSWER

    def next(self, waiting: Collection[Work]) -> Work | None:
        """The kind of work to do now, of those that wait; `None` if none does."""
        slices = [work for work in self._slices_in_order() if work in waiting]
        if Work.UNIT in waiting and not (self._last is Work.UNIT and slices):
            self._last = Work.UNIT
            return self._last
        if not slices:
            return None
        self._last = self._last_slice = slices[0]
        return self._last

    def _slices_in_order(self) -> tuple[Work, Work]:
        if self._last_slice is Work.SPEECH:
            return Work.ANSWER, Work.SPEECH
        return Work.SPEECH, Work.ANSWER
