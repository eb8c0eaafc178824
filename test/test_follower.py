"""A follower: one session, its trigger, and what it says, on a real model with known heads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roma_ros.events import Alert, Narration, SpeakProbability
from roma_ros.follower import Follower
from roma_ros.watch import Watch, WatchKind

NARRATION = Watch(
    id="tell", kind=WatchKind.NARRATION, instruction="say what happens", threshold=0.9
)
ALERT = Watch(id="door", kind=WatchKind.ALERT, instruction="when the door opens", threshold=0.5)
UNIT_END = 1_000_000_000


@pytest.fixture
def follow(puppet):
    """Opens followers of the puppet, and closes them."""
    opened = []

    def follow(watch: Watch | None) -> Follower:
        follower = Follower(watch)
        follower.open(puppet.thinker, context_seconds=10)
        opened.append(follower)
        return follower

    yield follow
    for follower in opened:
        follower.close()


@pytest.fixture
def hear(puppet, make_unit):
    """Lets a follower hear unit `index` with a given p(speak)."""

    def hear(follower: Follower, index: int, p_speak: float):
        puppet.wants(p_speak)
        return follower.hear(puppet.thinker.encode(make_unit(index, video=False)))

    return hear


def test_tells_p_speak_of_each_unit(follow, hear):
    follower = follow(ALERT)
    (event,) = hear(follower, 0, 0.25)
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
    follower = follow(replace(ALERT, window=2))
    assert len(hear(follower, 0, 0.8)) == 1
    probability, alert = hear(follower, 1, 0.8)
    assert probability.triggered
    assert isinstance(alert, Alert)
    assert (alert.text, alert.unit, alert.stamp, alert.finished) == ("", 1, 2 * UNIT_END, True)
    assert not follower.wants_to_speak


def test_a_reply_has_one_share_a_unit_and_goes_on_after_the_next(follow, hear, puppet):
    follower = follow(replace(ALERT, reply=True))
    hear(follower, 0, 0.8)
    assert follower.speak(25, 250) == []
    assert not follower.wants_to_speak, "the share of this unit is spent"
    hear(follower, 1, 0.1)
    assert follower.wants_to_speak
    assert follower.speak(25, 250) == []
    hear(follower, 2, 0.1)
    puppet.falls_silent()
    (alert,) = follower.speak(25, 250)
    assert isinstance(alert, Alert)
    assert alert.text == "a" * 50
    assert (alert.unit, alert.finished) == (0, True), "it belongs to the unit that triggered"
    assert not follower.session.speaking
    hear(follower, 3, 0.1)
    assert not follower.wants_to_speak


def test_a_newer_reply_takes_the_place_of_an_older(follow, hear, puppet):
    follower = follow(NARRATION)
    hear(follower, 0, 0.95)
    follower.speak(25, 250)
    _, cut = hear(follower, 1, 0.95)
    assert isinstance(cut, Narration)
    assert (cut.unit, cut.text, cut.finished) == (0, "a" * 25, False)
    puppet.says("b")
    follower.speak(10, 250)
    hear(follower, 2, 0.0)
    puppet.falls_silent()
    (narration,) = follower.speak(25, 250)
    assert (narration.unit, narration.text, narration.finished) == (1, "b" * 10, True)


def test_a_reply_without_end_is_cut(follow, hear):
    follower = follow(NARRATION)
    hear(follower, 0, 0.95)
    assert follower.speak(25, 40) == []
    hear(follower, 1, 0.0)
    (narration,) = follower.speak(25, 40)
    assert (narration.text, narration.finished) == ("a" * 40, False)
    assert not follower.session.speaking
    hear(follower, 2, 0.0)
    assert not follower.wants_to_speak


def test_closing_tells_what_was_being_said(follow, hear):
    follower = follow(NARRATION)
    hear(follower, 0, 0.95)
    follower.speak(5, 250)
    (narration,) = follower.close()
    assert (narration.text, narration.finished) == ("aaaaa", False)
    assert follower.close() == []


@pytest.mark.parametrize(("watch", "told"), [(replace(ALERT, reply=True), 1), (NARRATION, 0)])
def test_an_alert_is_told_even_before_its_first_word(follow, hear, watch, told):
    follower = follow(watch)
    hear(follower, 0, 0.95)
    assert len(follower.close()) == told


def test_settings_change_and_the_session_goes_on(follow, hear):
    follower = follow(replace(ALERT, window=3))
    for index in range(3):
        assert len(hear(follower, index, 0.4)) == 1
    follower.adjust(replace(ALERT, threshold=0.3, window=2))
    probability, alert = hear(follower, 3, 0.4)
    assert (probability.threshold, alert.unit) == (0.3, 3)
    assert follower.status().units_kept == 4


def test_a_restart_forgets_what_triggered(follow, hear, puppet):
    follower = follow(replace(ALERT, cooldown=3600.0))
    assert len(hear(follower, 0, 0.8)) == 2
    follower.restart()
    assert follower.status() is None
    follower.open(puppet.thinker, context_seconds=10)
    assert len(hear(follower, 0, 0.8)) == 2


def test_without_a_session_it_says_what_to_do(hear):
    with pytest.raises(RuntimeError, match="has no session: open it first"):
        hear(Follower(ALERT), 0, 0.5)
