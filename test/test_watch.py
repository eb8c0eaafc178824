"""A watch refuses what could never work, and says what it got and what it wants."""

from __future__ import annotations

import math

import pytest

from roma_ros.triggers import AlertTrigger, NarrationTrigger
from roma_ros.watch import Watch, WatchError, WatchKind


def alert(**settings) -> Watch:
    return Watch(
        **{
            "id": "door",
            "kind": WatchKind.ALERT,
            "instruction": "alert me when the door opens",
            "threshold": 0.6,
            **settings,
        }
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"id": ""}, "id is empty, of 0 characters; expected 1 to 64 of A-Z"),
        ({"id": "x" * 65}, r"id is 'x{39}…', of 65 characters; expected 1 to 64"),
        ({"id": "a b"}, "id is 'a b'"),
        ({"id": "дверь"}, "id is 'дверь'"),
        ({"id": "door\n"}, "id is 'door"),
        ({"id": "../door"}, "expected 1 to 64 of A-Z a-z 0-9 _ . -"),
        ({"instruction": ""}, "the instruction has 0 characters"),
        ({"instruction": " \n"}, "expected words"),
        ({"instruction": "x" * 501}, "the instruction has 501 characters"),
        ({"threshold": 2}, "threshold is 2; .* at most 1"),
        ({"threshold": 0.0}, "threshold is 0.0"),
        ({"threshold": -0.5}, "threshold is -0.5"),
        ({"threshold": math.nan}, "threshold is nan"),
        ({"window": 0}, "window is 0; expected 1 to 60"),
        ({"window": 61}, "window is 61"),
        ({"window": 1.5}, "window is 1.5"),
        ({"cooldown": -1.0}, "cooldown is -1.0 s; expected 0 to 3600"),
        ({"cooldown": 3601.0}, "cooldown is 3601.0"),
        ({"cooldown": math.inf}, "cooldown is inf"),
        (
            {"kind": WatchKind.NARRATION, "window": 2},
            "window is 2 .* expected 1 and 0",
        ),
        (
            {"kind": WatchKind.NARRATION, "cooldown": 2.0},
            "cooldown is 2.0 s; expected 1 and 0",
        ),
    ],
)
def test_refuses_what_is_out_of_range(settings, says):
    with pytest.raises(WatchError, match=says):
        alert(**settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"threshold": 1},
        {"window": 60, "cooldown": 3600.0},
        {"id": "x" * 64},
        {"id": "-Front_door.2"},
        {"instruction": "x" * 500},
        {"instruction": "门开的时候告诉我"},
    ],
)
def test_takes_the_ends_of_the_ranges(settings):
    alert(**settings)


@pytest.mark.parametrize("settings", [{"id": "x" * 10**6}, {"instruction": "y" * 10**6}])
def test_what_is_quoted_is_shortened(settings):
    with pytest.raises(WatchError) as caught:
        alert(**settings)
    assert len(str(caught.value)) < 300


def test_an_alert_speaks_only_when_asked_and_a_narration_always():
    assert not alert().speaks
    assert alert(reply=True).speaks
    assert alert(kind=WatchKind.NARRATION).speaks


def test_makes_the_trigger_of_its_kind():
    trigger = alert(window=3, cooldown=9.0).trigger()
    assert isinstance(trigger, AlertTrigger)
    assert (trigger.threshold, trigger.window, trigger.cooldown) == (0.6, 3, 9.0)
    assert isinstance(alert(kind=WatchKind.NARRATION).trigger(), NarrationTrigger)
