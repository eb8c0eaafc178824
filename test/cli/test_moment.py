"""Points in time on the command line."""

from __future__ import annotations

import time

import pytest

from roma_ros.cli.moment import Moment

from .recorded import RECORDS


def test_moments() -> None:
    record = RECORDS[3]
    assert Moment.parse("2.5").is_after(record)
    assert not Moment.parse("2").is_after(record)
    ago = Moment.parse("1.5h").wall
    assert ago == pytest.approx(time.time_ns() - 5_400 * 10**9, abs=10**10)
    assert Moment.parse("2026-11-27T18:30:00+02:00").wall == 1_795_797_000 * 10**9
    for text in ("", "soon", "5y", "2026-13-01"):
        with pytest.raises(ValueError, match="is no time"):
            Moment.parse(text)
