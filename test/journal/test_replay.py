"""p(speak) as it was recorded, under other settings."""

from __future__ import annotations

from collections.abc import Sequence

from roma_ros.events import SpeakProbability
from roma_ros.journal import Header, Line, Record, RecordedUnit, ReplaySettings, recorded_watches
from roma_ros.watch import Watch, WatchKind

SERIES = (0.1, 0.6, 0.7, 0.2, 0.8, 0.1, 0.9, 0.9)
DOOR = Watch(
    id="door", kind=WatchKind.ALERT, instruction="the door", threshold=0.5, window=2, cooldown=1.0
)
STORY = Watch(id="story", kind=WatchKind.NARRATION, instruction="tell", threshold=0.5)


def header(wall_ns: int = 1) -> Header:
    return Header(source=(), model="", watches=(DOOR, STORY), versions={}, wall_ns=wall_ns)


def heard(series: Sequence[float], watch: str = "door", stream: int = 0) -> list[Line]:
    return [
        Record(
            event=SpeakProbability(
                stream=stream,
                stamp=(unit + 1) * 10**9,
                unit=unit,
                watch=watch,
                p_speak=p_speak,
                threshold=0.5,
                triggered=unit == 2,
            ),
            seconds=unit + 1.0,
        )
        for unit, p_speak in enumerate(series)
    ]


def times(units: Sequence[RecordedUnit]) -> list[tuple[int, float | None]]:
    return [(unit.event.stream, unit.seconds) for unit in units]


def test_settings_are_tried_on_what_was_recorded() -> None:
    (door,) = recorded_watches([header(), *heard(SERIES)])
    assert (door.kind, door.window, door.cooldown) == (WatchKind.ALERT, 2, 1.0)
    assert times(door.recorded) == [(0, 3.0)]
    assert times(door.replay(ReplaySettings())) == [(0, 3.0), (0, 8.0)]
    assert times(door.replay(ReplaySettings(window=1))) == [(0, 2.0), (0, 5.0), (0, 7.0)]
    assert times(door.replay(ReplaySettings(window=1, threshold=0.75))) == [(0, 5.0), (0, 7.0)]
    assert times(door.replay(ReplaySettings(window=1, cooldown=4.0))) == [(0, 2.0), (0, 7.0)]
    assert times(door.replay(ReplaySettings(threshold=0.95))) == []


def test_a_narration_has_no_window() -> None:
    _, story = recorded_watches([header(), *heard(SERIES), *heard(SERIES, "story")])
    assert story.kind is WatchKind.NARRATION
    assert times(story.replay(ReplaySettings(threshold=0.85, window=9))) == [(0, 7.0), (0, 8.0)]


def test_streams_and_starts_of_the_node_have_no_past() -> None:
    """A header that is the same as the last one only begins a file."""
    settings = ReplaySettings(window=2)
    (door,) = recorded_watches([header(), *heard([0.9]), *heard([0.9], stream=1)])
    assert times(door.replay(settings)) == []
    (door,) = recorded_watches([header(), *heard([0.9]), header(2), *heard([0.9])])
    assert times(door.replay(settings)) == []
    (door,) = recorded_watches([header(), *heard([0.9]), header(), *heard([0.9])])
    assert times(door.replay(settings)) == [(0, 1.0)]


def test_without_a_header_it_is_an_alert_by_the_defaults() -> None:
    (door,) = recorded_watches(heard(SERIES))
    assert (door.settings, door.kind, door.window) == (None, WatchKind.ALERT, 1)


def test_a_journal_that_keeps_only_what_triggered_is_not_replayed() -> None:
    def kept(kinds: str) -> list[Line]:
        settings = {"kinds": kinds}
        return [Header(source=(), model="", settings=settings, versions={}), *heard(SERIES)]

    assert recorded_watches(kept("alert,narration")) == []
    assert len(recorded_watches(kept("alert,speak_probability"))) == 1


def test_p_speak_without_a_watch_is_nobodys() -> None:
    assert recorded_watches(heard(SERIES, "")) == []
