"""An alert and a narration as records, to deliver."""

from __future__ import annotations

import pytest

from roma_ros.events import Alert, Narration
from roma_ros.journal import Record


def alert(watch: str = "door", number: int = 1) -> Record:
    event = Alert(
        stream=0,
        stamp=1_700_000_003_000_000_000,
        unit=2,
        watch=watch,
        instruction='alert me when "it" opens; $(touch oops)',
        text="",
        p_speak=0.75,
    )
    return Record(event=event, sequence=number, seconds=3.0)


@pytest.fixture
def narration() -> Record:
    event = Narration(
        stream=0, stamp=4, unit=3, watch="story", instruction="tell", text="done.", p_speak=0.9
    )
    return Record(event=event, sequence=2, seconds=4.0)
