from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from roma_ros.world import Plot, SceneError, Sound, Split, make_scene
from roma_ros.world.scene import CHANGE, LOOK_EVERY
from roma_ros.world.voices import TEST_VOICES, TRAIN_VOICES, VALIDATION_VOICES

SCENES = [make_scene(seed, 30, plot) for plot in (Plot.CROWD, Plot.SEQUENCE) for seed in range(60)]


def test_the_same_seed_gives_the_same_scene_and_another_a_different_one() -> None:
    assert make_scene(11, 20) == make_scene(11, 20)
    assert make_scene(11, 20) != make_scene(12, 20)


@pytest.mark.parametrize(("seed", "seconds"), [(-1, 10), (4_000_000_000, 10), (0, 0), (0, -3)])
def test_what_cannot_be_staged_is_refused(seed: int, seconds: int) -> None:
    with pytest.raises(SceneError, match="expected"):
        make_scene(seed, seconds)


def test_no_change_for_the_eye_is_under_way_when_a_unit_looks() -> None:
    for scene in SCENES:
        changes = [(f.appears, f.appears + CHANGE) for f in scene.figures]
        changes += [(f.leaves - CHANGE, f.leaves) for f in scene.figures]
        changes += [(t.begins - CHANGE, t.begins) for t in scene.touches]
        for begins, ends in changes:
            assert math.floor(begins / LOOK_EVERY) == math.floor(ends / LOOK_EVERY)
            assert begins % LOOK_EVERY > 0.05
            assert ends % LOOK_EVERY < 0.45


def test_short_sounds_are_within_a_unit_and_tones_plainly_heard_at_both_ends() -> None:
    for scene in SCENES:
        for event in scene.sounds:
            if event.kind is Sound.TONE:
                assert 0.2 < event.onset % 1 < 0.6
                assert 0.2 < event.end % 1 < 0.6
                assert event.duration > 1.5
            else:
                assert math.floor(event.onset) == math.floor(event.end)
                assert len(event.heard_in) == 1


def test_at_most_one_short_sound_and_one_tone_in_a_unit() -> None:
    for scene in SCENES:
        short = Counter(e.heard_in.start for e in scene.sounds if e.kind is not Sound.TONE)
        tones = Counter(k for e in scene.sounds if e.kind is Sound.TONE for k in e.heard_in)
        assert not short or max(short.values()) == 1
        assert not tones or max(tones.values()) == 1


def test_no_two_figures_of_one_look_at_the_same_time() -> None:
    for scene in SCENES:
        for one, other in combinations(scene.figures, 2):
            if one.look == other.look:
                assert one.leaves + LOOK_EVERY < other.appears


def test_figures_are_wholly_on_the_stage_whenever_a_unit_looks() -> None:
    for scene in SCENES:
        for figure in scene.figures:
            for unit in figure.seen_in:
                for time in (unit, unit + LOOK_EVERY):
                    if figure.appears <= time < figure.leaves:
                        assert figure.growth(time) == 1
                        assert all(0.13 < at < 0.87 for at in figure.place(time))


def test_a_sequence_shows_one_figure_or_pair_at_a_time() -> None:
    for scene in SCENES:
        shown = [sum(k in f.there_after for f in scene.figures) for k in range(scene.seconds)]
        if scene in SCENES[60:]:
            assert max(shown) <= 2


def test_colours_shapes_and_sounds_are_about_equally_frequent() -> None:
    figures = [figure.look for scene in SCENES for figure in scene.figures]
    sounds = [event.kind for scene in SCENES[:60] for event in scene.sounds]
    for values in (
        [look.colour for look in figures],
        [look.shape for look in figures],
        [kind for kind in sounds if kind is not Sound.TONE],
    ):
        counts = np.array(list(Counter(values).values()))
        assert counts.max() < 2.2 * counts.min()


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (Split.TRAIN, TRAIN_VOICES),
        (Split.VALIDATION, VALIDATION_VOICES),
        (Split.TEST, TEST_VOICES),
    ],
)
def test_words_are_spoken_by_voices_of_the_split(split: Split, names: tuple[str, ...]) -> None:
    scenes = [make_scene(split.seed(index), 40) for index in range(20)]
    voices = {e.voice.name for scene in scenes for e in scene.sounds if e.voice is not None}
    assert len(voices) > 4
    assert voices <= set(names)


def test_a_scene_may_be_an_hour_long() -> None:
    scene = make_scene(1, 3600)
    assert len(scene.figures) > 500
    assert max(figure.appears for figure in scene.figures) > 3500
