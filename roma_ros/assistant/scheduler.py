"""Order of the worker's slices of work: units first, then replies and answers."""

from __future__ import annotations

import enum
from collections.abc import Collection

__all__ = ["Scheduler", "Work"]


class Work(enum.Enum):
    """Kind of one slice of work."""

    UNIT = "unit"  # process a unit, in all sessions
    SPEECH = "speech"  # decode a reply, by the budget of one unit
    ANSWER = "answer"  # decode an answer, by a few tokens


class Scheduler:
    """Scheduler of slices of work: units first, then speech, then answers, without starvation.

    While the model is slower than the sensors a unit waits at all times. So after each unit one
    slice of speech or of an answer may run: a unit waits for at most one slice, and every reply
    and answer continues, however large the lag is.
    """

    def __init__(self) -> None:
        self._last = Work.ANSWER
        self._last_slice = Work.ANSWER

    def next(self, ready: Collection[Work]) -> Work | None:
        """Return the kind of work to do now, one of `ready`; `None` if that is empty."""
        slices = [work for work in self._slices_in_order() if work in ready]
        if Work.UNIT in ready and not (self._last is Work.UNIT and slices):
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
