"""Questions with a time: `--ask "How many people are there?"@12`."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["TimedQuestion"]


@dataclass(frozen=True, slots=True)
class TimedQuestion:
    """A question, put as soon as the stream has come to `seconds` after its beginning."""

    text: str
    seconds: float

    @classmethod
    def parse(cls, argument: str) -> TimedQuestion:
        """From `QUESTION@SECONDS`; the last @ counts.

        Raises:
            ValueError: it has another form.
        """
        text, _, time = argument.rpartition("@")
        try:
            seconds = float(time)
        except ValueError:
            seconds = math.nan
        if not text.strip() or not 0 <= seconds < math.inf:
            raise ValueError(
                f"got {argument!r}, wanted QUESTION@SECONDS, such as 'Who is there?@12'"
            )
        return cls(text.strip(), seconds)
