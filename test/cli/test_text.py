"""Text for a terminal."""

from __future__ import annotations

import pytest

from roma_ros.cli.arguments import TimedQuestion
from roma_ros.cli.text import clock, one_line, shortened


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (7.04, "7.0 s"), (59.94, "59.9 s"), (60, "1:00"), (3725.9, "1:02:05")],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_nothing_that_steers_a_terminal_is_left() -> None:
    assert one_line(" a\n\nb\x1b[2J\x07 \u202e c\r") == "a b [2J c"


def test_shortened() -> None:
    assert shortened("one two", 7) == "one two"
    assert shortened("one two three", 5) == "one…"


def test_the_last_at_sign_of_a_question_counts() -> None:
    assert TimedQuestion.parse(" me@home? @1.5") == TimedQuestion("me@home?", 1.5)
