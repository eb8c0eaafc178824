"""Instructions of unknown words: never due, not given away by their wording, split by words."""

from __future__ import annotations

import re

import pytest

from roma_ros.world import (
    ESC_10,
    Split,
    WorldAlert,
    alerts_on,
    draw_alerts,
    make_scene,
    unknown_alerts,
)
from roma_ros.world.alert import TRAIN_WORDINGS
from roma_ros.world.unknown_words import TEST_EVENTS, TRAIN_EVENTS


def alerts(split: Split) -> list[WorldAlert]:
    return [a for index in range(40) for a in unknown_alerts(make_scene(split.seed(index), 12), 4)]


@pytest.mark.parametrize("split", Split)
def test_they_never_happen(split: Split) -> None:
    found = alerts(split)
    assert len(found) == 160
    assert not any(alert.labels.any() or alert.windows for alert in found)
    assert all(len(alert.labels) == 12 for alert in found)
    assert {alert.every_time for alert in found} == {True, False}


def test_splits_have_events_of_their_own() -> None:
    assert not set(TRAIN_EVENTS) & set(TEST_EVENTS)
    trained = {word for event in TRAIN_EVENTS for word in event.split()}
    new = [event for event in TEST_EVENTS if set(event.split()) - trained]
    assert len(new) > 0.9 * len(TEST_EVENTS)
    assert {a.event.unknown for a in alerts(Split.TEST)} <= set(TEST_EVENTS)
    assert not {a.event.unknown for a in alerts(Split.TRAIN)} & set(TEST_EVENTS)


def test_none_is_an_event_of_the_world() -> None:
    known = {kind.condition for kind in ESC_10} | {f"you hear {kind.noun}" for kind in ESC_10}
    known |= {
        alert.event.condition
        for seed in range(60)
        for alert in draw_alerts(make_scene(seed, 20), 8)
    }
    drawn = {a.event.unknown for a in alerts(Split.TRAIN)}
    assert not (drawn | set(TRAIN_EVENTS) | set(TEST_EVENTS)) & known
    assert len(drawn) > 100


def test_no_wording_is_of_unknown_words_alone() -> None:
    conditions = {kind.condition for kind in ESC_10}
    for alert in alerts(Split.TRAIN):
        begins = alert.instruction.removesuffix(alert.event.unknown)
        heard = "you hear" in alert.event.unknown
        pattern = (
            begins.replace("every time", "{when}")
            .replace("when", "{when}")
            .replace("{{when}}", "{when}")
        )
        known = {
            w.replace("{condition}", "").replace("you hear {hearing}", "") for w in TRAIN_WORDINGS
        }
        assert pattern in known, (alert.instruction, heard, conditions)


def test_instructions_are_plain_sentences() -> None:
    for alert in (*alerts(Split.TRAIN), *alerts(Split.TEST)):
        assert re.fullmatch(
            r"(alert me|tell me|let me know) (when|every time) [a-z ]+", alert.instruction
        )
        assert alert.instruction.count("you hear") <= 1


def test_exercises_have_as_many_as_asked() -> None:
    found = alerts_on(make_scene(5, 15), 4, unknown=3)
    assert len(found) == 4
    about = [e for e in found if isinstance(e.subject, WorldAlert) and e.subject.event.unknown]
    assert len(about) == 3
    assert not any(e.labels.any() or e.replies for e in about)
