from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from roma_ros.world import (
    COMMON_KINDS,
    AlertKind,
    Plot,
    Scene,
    Senses,
    Sound,
    Window,
    WorldAlert,
    WorldEvent,
    draw_alerts,
    make_scene,
)
from roma_ros.world.alert import windows

from .by_hand import BLUE_SQUARE, GREEN_STAR, RED_CIRCLE

CASES = [
    (
        WorldEvent(look=RED_CIRCLE),
        [1, 2, 3, 4, 5, 9, 10],
        "a red circle appears",
        "a red circle appears.",
    ),
    (
        WorldEvent(look=BLUE_SQUARE, other=RED_CIRCLE),
        [4, 5],
        "a blue square touches a red circle",
        "a blue square touches a red circle.",
    ),
    (WorldEvent(sound=Sound.BEEP), [3, 6], "you hear a beep", "a beep sounds."),
    (WorldEvent(sound=Sound.BEEP, count=2), [3], "you hear two beeps", "two beeps sound."),
    (WorldEvent(sound=Sound.KNOCK), [], "you hear a knock", "a knock sounds."),
    (
        WorldEvent(look=RED_CIRCLE, sound=Sound.TONE),
        [9, 10],
        "a red circle appears while a tone sounds",
        "a red circle appears while a tone sounds.",
    ),
    (
        WorldEvent(look=BLUE_SQUARE, sound=Sound.TONE),
        [],
        "a blue square appears while a tone sounds",
        "a blue square appears while a tone sounds.",
    ),
    (WorldEvent(look=GREEN_STAR), [], "a green star appears", "a green star appears."),
]


@pytest.mark.parametrize(("event", "expected", "condition", "report"), CASES)
def test_events_happen_where_they_can_be_noticed(
    busy_scene: Scene, event: WorldEvent, expected: list[int], condition: str, report: str
) -> None:
    assert np.flatnonzero(event.happens(Senses(busy_scene))).tolist() == expected
    assert event.condition == condition
    assert event.report == report


def test_an_instruction_says_whether_to_expect_more(busy_scene: Scene) -> None:
    event = WorldEvent(look=RED_CIRCLE)
    labels = event.happens(Senses(busy_scene))
    once, always = WorldAlert(event, False, labels), WorldAlert(event, True, labels)
    assert once.instruction == "alert me when a red circle appears"
    assert always.instruction == "alert me every time a red circle appears"
    assert always.windows == (Window(1, 5), Window(9, 10))


def test_windows_are_the_runs() -> None:
    assert windows(np.array([True, True, False, True])) == (Window(0, 1), Window(3, 3))
    assert windows(np.zeros(3, bool)) == ()


@pytest.fixture(scope="module")
def drawn() -> list[tuple[Scene, WorldAlert]]:
    scenes = [make_scene(seed, 30) for seed in range(150)]
    return [(scene, alert) for scene in scenes for alert in draw_alerts(scene, 4)]


def test_alerts_of_a_scene_are_different_and_the_same_each_time() -> None:
    scene = make_scene(9, 30)
    first, again = draw_alerts(scene, 6), draw_alerts(scene, 6)
    assert len({alert.event for alert in first}) == 6
    assert [alert.instruction for alert in first] == [alert.instruction for alert in again]


def test_kinds_and_answers_are_balanced(drawn: list[tuple[Scene, WorldAlert]]) -> None:
    kinds = Counter(alert.event.kind for _, alert in drawn)
    assert set(kinds) == set(COMMON_KINDS)
    assert min(kinds.values()) > 0.08 * len(drawn)
    for kind in COMMON_KINDS:
        alerts = [alert for _, alert in drawn if alert.event.kind is kind]
        happening = np.mean([alert.labels.any() for alert in alerts])
        assert 0.4 < happening < 0.8, kind
        speaking = np.mean([alert.labels.mean() for alert in alerts])
        assert speaking < 0.35, kind  # who always speaks is mostly wrong
    assert 0.15 < np.mean([alert.every_time for _, alert in drawn]) < 0.6


def test_what_never_happens_nearly_does(drawn: list[tuple[Scene, WorldAlert]]) -> None:
    near = 0
    never = [(scene, alert.event) for scene, alert in drawn if not alert.labels.any()]
    for scene, event in never:
        senses = Senses(scene)
        looks = {figure.look for figure in senses.figures}
        if event.look is not None and looks:
            colours, shapes = {look.colour for look in looks}, {look.shape for look in looks}
            assert event.look.colour in colours or event.look.shape in shapes
            near += event.look.colour in colours and event.look.shape in shapes
    assert near > 0.6 * sum(event.look is not None for _, event in never)


def test_recurring_events_are_among_them(drawn: list[tuple[Scene, WorldAlert]]) -> None:
    recurring = [alert for _, alert in drawn if alert.every_time and len(alert.windows) > 1]
    assert len(recurring) > 40


def test_kinds_can_be_chosen_and_an_empty_scene_gives_only_what_never_happens() -> None:
    scene = make_scene(2, 30, Plot.SEQUENCE)
    alerts = draw_alerts(scene, 5, [AlertKind.AUDIO])
    assert {alert.event.kind for alert in alerts} == {AlertKind.AUDIO}
    empty = scene.cut(1).delayed(0).hushed(-9, 99)
    for alert in draw_alerts(empty, 3, [AlertKind.AUDIO]):
        assert not alert.labels.any()
