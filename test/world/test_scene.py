from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roma_ros.world import Scene, Senses, Sound, SpokenLine, Voice, make_scene
from roma_ros.world.scene import CHANGE, units_hearing, units_seeing

from .by_hand import RED_CIRCLE, figure, sound

TIMES = st.floats(-3, 30).map(lambda time: round(time, 3))
SECONDS = range(43)


@given(TIMES, st.floats(0, 12))
def test_a_unit_sees_what_is_there_in_one_of_its_frames(begins: float, length: float) -> None:
    ends = begins + length
    expected = [k for k in SECONDS if begins <= k < ends or begins <= k + 0.5 < ends]
    assert list(units_seeing(begins, ends)) == expected


@given(TIMES, st.floats(0.2, 12))
def test_a_unit_hears_what_sounds_in_it_for_a_tenth_of_a_second(
    onset: float, length: float
) -> None:
    end = onset + length
    overlap = [min(end, k + 1) - max(onset, k) for k in SECONDS]
    heard = units_hearing(onset, end)
    for unit, seconds in zip(SECONDS, overlap, strict=True):
        if abs(seconds - 0.1) > 1e-6:
            assert (unit in heard) == (seconds > 0.1)


@pytest.mark.parametrize(
    ("onset", "end", "units"),
    [(3.2, 3.3, [3]), (3.92, 4.02, [3]), (3.97, 4.07, [4]), (0.05, 0.1, [0])],
)
def test_a_short_sound_is_heard_where_half_of_it_is(
    onset: float, end: float, units: list[int]
) -> None:
    assert list(units_hearing(onset, end)) == units


def test_a_figure_is_there_after_a_unit_that_shows_it_last() -> None:
    comes_and_goes = figure(RED_CIRCLE, 1.6, 4.3)
    assert list(comes_and_goes.seen_in) == [2, 3, 4]
    assert list(comes_and_goes.there_after) == [2, 3]
    assert list(figure(RED_CIRCLE, -0.3, 0.4).there_after) == []


def test_a_figure_grows_and_shrinks_within_the_change() -> None:
    grown = figure(RED_CIRCLE, 1.1, 3.4)
    assert grown.growth(1.09) == grown.growth(3.4) == 0
    assert grown.growth(1.1 + CHANGE / 2) == pytest.approx(0.5)
    assert grown.growth(1.1 + CHANGE) == pytest.approx(1)
    assert grown.growth(2) == 1


def test_delayed_by_whole_units_everything_is_noticed_later(busy_scene: Scene) -> None:
    later = busy_scene.delayed(3)
    assert later.seconds == busy_scene.seconds + 3
    for seen, seen_later in zip(busy_scene.figures, later.figures, strict=True):
        assert [k + 3 for k in seen.seen_in] == list(seen_later.seen_in)
    for touch, touch_later in zip(busy_scene.touches, later.touches, strict=True):
        assert [k + 3 for k in touch.seen_in] == list(touch_later.seen_in)
    for heard, heard_later in zip(busy_scene.sounds, later.sounds, strict=True):
        assert [k + 3 for k in heard.heard_in] == list(heard_later.heard_in)
    moved = busy_scene.figures[0]
    assert later.figures[0].place(5.0) == moved.place(2.0)


def test_hushed_leaves_out_every_sound_of_which_a_part_is_within(busy_scene: Scene) -> None:
    kept = busy_scene.hushed(6.55, 8.4).sounds
    assert [event.onset for event in kept] == [3.2]
    assert busy_scene.hushed(3.6, 6.4).sounds == busy_scene.sounds


def test_saying_adds_a_line_and_cut_keeps_the_rest(busy_scene: Scene) -> None:
    line = SpokenLine("hello", Voice("en"), 0.5)
    assert busy_scene.saying(line).speech == (line,)
    assert busy_scene.cut(4).seconds == 4
    assert busy_scene.cut(99).seconds == 12
    assert list(busy_scene.cut(4).clip(range(-2, 9))) == [0, 1, 2, 3]


@given(st.integers(0, 11), st.integers(1, 12))
def test_a_stretch_is_noticed_as_if_the_stream_began_there(first: int, seconds: int) -> None:
    scene = make_scene(3, 12)
    stretch = scene.stretch(first, seconds)
    assert stretch.seconds == min(seconds, 12 - first)
    before, after = Senses(scene), Senses(stretch)
    for unit in range(stretch.seconds):
        looks = [figure.look for figure in before.figures_after(first + unit)]
        assert [figure.look for figure in after.figures_after(unit)] == looks
        heard = [event.kind for event in before.sounds_in(first + unit)]
        assert [event.kind for event in after.sounds_in(unit)] == heard
        touching = {(t.mover, t.other) for t in before.touches_after(first + unit)}
        assert {(t.mover, t.other) for t in after.touches_after(unit)} == touching
    assert all(figure.seen_in for figure in stretch.figures if figure.appears < seconds)


def test_the_period_of_sounds_in_a_row() -> None:
    assert sound(Sound.BEEP, 0, 0.5, count=3).period == pytest.approx(0.2)
    assert sound(Sound.TONE, 0, 2.0).period == pytest.approx(2.0)
