from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from roma_ros.world import (
    Plot,
    Scene,
    Segment,
    Senses,
    Sound,
    Touch,
    captions,
    make_scene,
    narrate,
)

from .by_hand import BLUE_SQUARE, GREEN_STAR, RED_CIRCLE, figure, scene, sound


def test_a_scene_made_by_hand_is_told_at_the_ends(busy_scene: Scene) -> None:
    assert narrate(busy_scene) == (
        Segment(1, 3, "a red circle stays."),
        Segment(3, 4, "a red circle and a blue square while two beeps sound."),
        Segment(4, 5, "a blue square touches a red circle."),
        Segment(5, 7, "a blue square stays while a beep sounds."),
        Segment(8, 9, "a tone sounds."),
        Segment(9, 10, "a red circle moves while a tone sounds."),
        Segment(10, 11, "a red circle moves."),
    )


def test_captions_tell_what_one_unit_shows_and_lets_hear(busy_scene: Scene) -> None:
    assert captions(busy_scene) == (
        "nothing happens.",
        "a red circle stays.",
        "a red circle stays.",  # the frame at 2.5 s does not show the square yet
        "a red circle and a blue square while two beeps sound.",
        "a blue square touches a red circle.",
        "a blue square stays.",
        "a blue square stays while a beep sounds.",
        "nothing happens.",
        "a tone sounds.",
        "a red circle moves while a tone sounds.",
        "a red circle moves while a tone sounds.",
        "nothing happens.",
    )


@pytest.mark.parametrize(
    ("leaves", "end"),
    [
        (3.3, 3),  # the frame at 3.5 s does not show it any more
        (3.8, 4),  # the frame at 4.0 s is the first that does not
    ],
)
def test_a_segment_ends_in_the_first_unit_that_shows_it(leaves: float, end: int) -> None:
    told = narrate(scene(6, figures=(figure(RED_CIRCLE, 1.1, leaves),)))
    assert [segment.end for segment in told] == [end]


def test_a_segment_ends_in_the_unit_in_which_a_tone_falls_silent() -> None:
    told = narrate(scene(8, sounds=(sound(Sound.TONE, 1.4, 3.1),)))
    assert told == (Segment(1, 4, "a tone sounds."),)


def test_what_goes_on_to_the_end_is_not_told() -> None:
    assert narrate(scene(6, figures=(figure(RED_CIRCLE, 1.1, 9.0),))) == ()


def test_many_things_at_once_are_listed() -> None:
    crowd = scene(
        6,
        figures=(
            figure(RED_CIRCLE, 0.1, 4.4, x=0.2),
            figure(BLUE_SQUARE, 0.2, 4.4, x=0.4),
            figure(GREEN_STAR, 0.3, 4.4, y=0.9),
        ),
        sounds=(sound(Sound.TONE, 0.3, 4.0), sound(Sound.KNOCK, 2.2, 0.1)),
    )
    assert [segment.text for segment in narrate(crowd)] == [
        "a red circle, a blue square and a green star while a tone and a knock sound."
    ]
    touch = Touch(mover=RED_CIRCLE, other=BLUE_SQUARE, begins=0.45, ends=4.2)
    told = narrate(replace(crowd, touches=(touch,), sounds=()))
    assert [segment.text for segment in told] == [
        "a red circle touches a blue square and a green star."
    ]


def test_a_sequence_is_told_in_short_sentences_at_least_two_seconds_apart() -> None:
    count = 0
    for seed in range(60):
        made = make_scene(seed, 30, Plot.SEQUENCE)
        told = narrate(made)
        count += len(told)
        for segment in told:
            assert 2 <= segment.end - segment.first <= 8
            assert len(segment.text) < 70
        for before, after in pairwise(told):
            assert before.end <= after.first
    assert count > 60 * 4


def test_every_end_is_a_change_that_the_unit_shows_or_lets_hear() -> None:
    for seed in range(40):
        made = make_scene(seed, 25, Plot.CROWD)
        senses = Senses(made)
        for segment in narrate(made):
            before, after = segment.end - 1, segment.end
            seen = senses.figures_after(before) != senses.figures_after(after)
            touched = senses.touches_after(before) != senses.touches_after(after)
            tones = [
                [after in event.sounding_after, before in event.sounding_after]
                for event in made.sounds
                if event.kind is Sound.TONE
            ]
            assert seen or touched or any(now != then for now, then in tones)
