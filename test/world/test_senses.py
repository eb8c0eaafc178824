from __future__ import annotations

import numpy as np

from roma_ros.world import Scene, Senses, Sound, make_scene

from .by_hand import BLUE_SQUARE, GREEN_STAR, RED_CIRCLE


def units(found: np.ndarray) -> list[int]:
    assert found.dtype == bool
    return np.flatnonzero(found).tolist()


def test_what_a_scene_made_by_hand_shows_and_lets_hear(busy_scene: Scene) -> None:
    senses = Senses(busy_scene)
    assert units(senses.seen(RED_CIRCLE)) == [1, 2, 3, 4, 5, 9, 10]
    assert units(senses.seen(BLUE_SQUARE)) == [3, 4, 5, 6, 7]  # at 2.5 s it is not there yet
    assert units(senses.seen(GREEN_STAR)) == []
    assert units(senses.heard(Sound.BEEP)) == [3, 6]
    assert units(senses.heard(Sound.BEEP, 2)) == [3]
    assert units(senses.heard(Sound.BEEP, 3)) == []
    assert units(senses.heard(Sound.TONE)) == [8, 9, 10]
    assert units(senses.touching(RED_CIRCLE, BLUE_SQUARE)) == [4, 5]
    assert units(senses.touching(BLUE_SQUARE, RED_CIRCLE)) == [4, 5]


def test_what_is_there_at_the_end_of_a_unit(busy_scene: Scene) -> None:
    senses = Senses(busy_scene)
    assert [f.look for f in senses.figures_after(4)] == [RED_CIRCLE, BLUE_SQUARE]
    assert [f.look for f in senses.figures_after(5)] == [BLUE_SQUARE]
    assert len(senses.touches_after(4)) == 1
    assert senses.touches_after(5) == []
    assert [event.kind for event in senses.sounds_in(3)] == [Sound.BEEP]
    assert senses.sounds_in(4) == []


def test_what_lies_beyond_the_end_is_never_noticed(busy_scene: Scene) -> None:
    senses = Senses(busy_scene.cut(3))
    assert [figure.look for figure in senses.figures] == [RED_CIRCLE]
    assert senses.sounds == ()
    assert senses.touches == ()
    assert senses.seen(RED_CIRCLE).shape == (3,)


def test_looks_are_seen_unit_by_unit_as_their_figures_are_drawn() -> None:
    for seed in range(20):
        scene = make_scene(seed, 15)
        senses = Senses(scene)
        for look in {figure.look for figure in scene.figures}:
            drawn = [
                any(f.look == look and f.growth(k + at) for f in scene.figures for at in (0, 0.5))
                for k in range(15)
            ]
            assert senses.seen(look).tolist() == drawn
