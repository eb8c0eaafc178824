"""A watch_session: one session, its trigger, and what it says, on a real model with known heads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roma_ros.assistant.watch_session import WatchSession
from roma_ros.events import Alert, Narration, SpeakProbability
from roma_ros.watch import Watch, WatchKind

NARRATION = Watch(
    id="tell", kind=WatchKind.NARRATION, instruction="say what happens", threshold=0.9
)
ALERT = Watch(id="door", kind=WatchKind.ALERT, instruction="when the door opens", threshold=0.5)
UNIT_END = 1_000_000_000


@pytest.fixture
def follow(puppet):
    """Opens watch_sessions of the puppet, and closes them."""
    opened = []

    def follow(watch: Watch | None) -> WatchSession:
        watch_session = WatchSession(watch)
        watch_session.open(puppet.thinker, context_seconds=10)
        opened.append(watch_session)
        return watch_session

    yield follow
    for watch_session in opened:
        watch_session.close()


@pytest.fixture
def hear(puppet, make_unit):
    """Lets a watch_session hear unit `index` with a given p(speak)."""

    def hear(watch_session: WatchSession, index: int, p_speak: float):
        puppet.wants(p_speak)
        return watch_session.step(puppet.thinker.encode(make_unit(index, video=False)))

    return hear


def test_tells_p_speak_of_each_unit(follow, hear):
    watch_session = follow(ALERT)
    (event,) = hear(watch_session, 0, 0.25)
    assert event.p_speak == pytest.approx(0.25, abs=1e-3)
    assert event == SpeakProbability(
        stream=0,
        stamp=UNIT_END,
        unit=0,
        watch="door",
        p_speak=event.p_speak,
        threshold=0.5,
        triggered=False,
    )


def test_without_a_watch_nothing_triggers(follow, hear):
    (event,) = hear(follow(None), 0, 1.0)
    assert isinstance(event, SpeakProbability)
    assert (event.watch, event.threshold, event.triggered) == ("", 1.0, False)


def test_an_alert_without_words_is_told_at_once(follow, hear):
    watch_session = follow(replace(ALERT, window=2))
    assert len(hear(watch_session, 0, 0.8)) == 1
    probability, alert = hear(watch_session, 1, 0.8)
    assert probability.triggered
    assert isinstance(alert, Alert)
    assert (alert.text, alert.unit, alert.stamp, alert.finished) == ("", 1, 2 * UNIT_END, True)
    assert not watch_session.can_speak


def test_a_reply_has_one_share_a_unit_and_goes_on_after_the_next(follow, hear, puppet):
    watch_session = follow(replace(ALERT, reply=True))
    hear(watch_session, 0, 0.8)
    assert watch_session.speak(25, 250) == []
    assert not watch_session.can_speak, "the share of this unit is spent"
    hear(watch_session, 1, 0.1)
    assert watch_session.can_speak
    assert watch_session.speak(25, 250) == []
    hear(watch_session, 2, 0.1)
    puppet.falls_silent()
    (alert,) = watch_session.speak(25, 250)
    assert isinstance(alert, Alert)
    assert alert.text == "a" * 50
    assert (alert.unit, alert.finished) == (0, True), "it belongs to the unit that triggered"
    assert not watch_session.session.speaking
    hear(watch_session, 3, 0.1)
    assert not watch_session.can_speak


def test_a_newer_reply_takes_the_place_of_an_older(follow, hear, puppet):
    watch_session = follow(NARRATION)
    hear(watch_session, 0, 0.95)
    watch_session.speak(25, 250)
    _, cut = hear(watch_session, 1, 0.95)
    assert isinstance(cut, Narration)
    assert (cut.unit, cut.text, cut.finished) == (0, "a" * 25, False)
    puppet.says("b")
    watch_session.speak(10, 250)
    hear(watch_session, 2, 0.0)
    puppet.falls_silent()
    (narration,) = watch_session.speak(25, 250)
    assert (narration.unit, narration.text, narration.finished) == (1, "b" * 10, True)


def test_a_reply_without_end_is_cut(follow, hear):
    watch_session = follow(NARRATION)
    hear(watch_session, 0, 0.95)
    assert watch_session.speak(25, 40) == []
    hear(watch_session, 1, 0.0)
    (narration,) = watch_session.speak(25, 40)
    assert (narration.text, narration.finished) == ("a" * 40, False)
    assert not watch_session.session.speaking
    hear(watch_session, 2, 0.0)
    assert not watch_session.can_speak


def test_closing_tells_what_was_being_said(follow, hear):
    watch_session = follow(NARRATION)
    hear(watch_session, 0, 0.95)
    watch_session.speak(5, 250)
    (narration,) = watch_session.close()
    assert (narration.text, narration.finished) == ("aaaaa", False)
    assert watch_session.close() == []


@pytest.mark.parametrize(("watch", "told"), [(replace(ALERT, reply=True), 1), (NARRATION, 0)])
def test_an_alert_is_told_even_before_its_first_word(follow, hear, watch, told):
    watch_session = follow(watch)
    hear(watch_session, 0, 0.95)
    assert len(watch_session.close()) == told


def test_settings_change_and_the_session_goes_on(follow, hear):
    watch_session = follow(replace(ALERT, window=3))
    for index in range(3):
        assert len(hear(watch_session, index, 0.4)) == 1
    watch_session.adjust(replace(ALERT, threshold=0.3, window=2))
    probability, alert = hear(watch_session, 3, 0.4)
    assert (probability.threshold, alert.unit) == (0.3, 3)
    assert watch_session.status().units_kept == 4


def test_a_restart_forgets_what_triggered(follow, hear, puppet):
    watch_session = follow(replace(ALERT, cooldown=3600.0))
    assert len(hear(watch_session, 0, 0.8)) == 2
    watch_session.restart()
    assert watch_session.status() is None
    watch_session.open(puppet.thinker, context_seconds=10)
    assert len(hear(watch_session, 0, 0.8)) == 2


def test_without_a_session_it_says_what_to_do(hear):
    with pytest.raises(RuntimeError, match=r"is not open; open\(\) it first"):
        hear(WatchSession(ALERT), 0, 0.5)
