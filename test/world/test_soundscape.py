"""Scenes with recorded sounds: what is played, the labels, alerts, narrations and questions."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from roma_ros.world import (
    ESC_10,
    AlertKind,
    PlayedClip,
    Plot,
    QuestionKind,
    RecordedSound,
    RecordingLibrary,
    Scene,
    SceneError,
    Senses,
    Sound,
    SoundEvent,
    SoundRenderer,
    Split,
    WorldAlert,
    WorldEvent,
    alerts_on,
    annotate,
    captions,
    dense_questions,
    draw_alerts,
    draw_questions,
    make_scene,
    narrate,
    recorded_sentences,
)
from roma_ros.world.alert import PLAIN_WORDINGS, TRAIN_WORDINGS, WORDINGS
from roma_ros.world.continuous import ContinuousStream

from .by_hand import RED_CIRCLE, figure, scene, sound
from .recorded import BABY, DOG, RAIN, library

SEEDS = range(40)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> RecordingLibrary:
    return library(tmp_path_factory.mktemp("esc10"))


def event(known: RecordingLibrary, kind: RecordedSound, onset: float) -> SoundEvent:
    clip = known.clip(Split.TRAIN, kind, np.random.default_rng(0))
    played = PlayedClip(clip=clip, begins=clip.begins, ends=clip.ends)
    return SoundEvent(
        kind=kind,
        onset=onset,
        duration=played.duration,
        count=1,
        each=played.duration,
        pitch=0.0,
        level=0.1,
        playback=played,
    )


@pytest.fixture(scope="module")
def barking(known: RecordingLibrary) -> Scene:
    """A dog barks at 2.1 s and 4.1 s; rain falls from 8.0 s to 12.0 s; a beep in unit 9."""
    sounds = (event(known, DOG, 2.1), event(known, RAIN, 8.0), sound(Sound.BEEP, 9.4, 0.1))
    return replace(scene(14, sounds=sounds), recorded=known.kinds)


def test_without_recordings_a_scene_is_what_it_was() -> None:
    """The hash was computed before there were recordings."""
    told = [
        annotate(make_scene(seed, 20, plot))
        for seed in (0, 7, 3_000_000_006)
        for plot in (Plot.CROWD, Plot.SEQUENCE)
    ]
    assert (
        hashlib.sha256(json.dumps(told).encode()).hexdigest()
        == "06dc45b76deed066ba2c2feb916cebe7eea07ccf5e2ef80084b1ce55e76c9d66"
    )


@pytest.mark.parametrize("plot", [Plot.CROWD, Plot.SEQUENCE])
def test_with_a_share_of_0_a_library_changes_nothing(known: RecordingLibrary, plot: Plot) -> None:
    for seed in SEEDS:
        assert make_scene(seed, 20, plot, known, 0.0) == make_scene(seed, 20, plot)


def test_recordings_are_played_among_figures_and_other_sounds(known: RecordingLibrary) -> None:
    kinds: Counter[object] = Counter()
    overlaps = 0
    for seed in SEEDS:
        plain, with_them = make_scene(seed, 30), make_scene(seed, 30, recordings=known)
        assert with_them.figures == plain.figures
        assert with_them == make_scene(seed, 30, recordings=known)
        assert {s for s in with_them.sounds if s.playback is None} <= set(plain.sounds)
        assert with_them.recorded == known.kinds
        played = [s for s in with_them.sounds if s.playback]
        assert played
        kinds.update(s.kind for s in with_them.sounds)
        overlaps += any(a.end > b.onset for a, b in pairwise(played))
    assert set(kinds) == {*Sound, *known.kinds}
    assert 5 < overlaps < 35


def test_a_share_of_scenes_has_recordings(known: RecordingLibrary) -> None:
    scenes = [make_scene(seed, 20, recordings=known, recorded_share=0.5) for seed in range(100)]
    assert 35 < sum(bool(scene.recorded) for scene in scenes) < 65


def test_the_plot_of_recordings_has_nothing_else_and_all_kinds_alike(
    known: RecordingLibrary,
) -> None:
    found = make_scene(3, 600, Plot.RECORDINGS, known)
    assert not found.figures
    assert all(s.playback for s in found.sounds)
    counts = Counter(s.kind for s in found.sounds)
    assert max(counts.values()) - min(counts.values()) <= 4
    silent = np.ones(600, bool)
    for kind in known.kinds:
        silent &= ~Senses(found).heard(kind)
    assert 0.05 < silent.mean() < 0.5


def test_each_split_plays_its_own_folds(known: RecordingLibrary) -> None:
    for split, folds in ((Split.TRAIN, "123"), (Split.VALIDATION, "4"), (Split.TEST, "4")):
        found = make_scene(split.seed(1), 200, Plot.RECORDINGS, known)
        assert {s.playback.clip.path.name[0] for s in found.sounds if s.playback} == set(folds)


def test_a_wrong_share_and_recordings_without_a_library_are_refused(
    known: RecordingLibrary,
) -> None:
    with pytest.raises(SceneError, match=r"recorded_share is 1\.5; expected 0 to 1"):
        make_scene(1, 5, recordings=known, recorded_share=1.5)
    with pytest.raises(SceneError, match="expected a folder of recordings to play"):
        make_scene(1, 5, Plot.RECORDINGS)


def test_a_dog_is_heard_in_the_seconds_in_which_it_barks(barking: Scene) -> None:
    senses = Senses(barking)
    assert np.flatnonzero(senses.heard(DOG)).tolist() == [2, 4]
    assert np.flatnonzero(senses.heard(RAIN)).tolist() == [8, 9, 10, 11]
    assert not senses.heard(BABY).any()
    assert [senses.recorded_in(unit) for unit in (2, 3, 9)] == [(DOG,), (), (RAIN,)]
    assert [event.kind for event in senses.sounds_in(9)] == [RAIN, Sound.BEEP]


@pytest.mark.parametrize("seed", range(6))
def test_labels_are_where_the_sound_is(known: RecordingLibrary, seed: int) -> None:
    found = make_scene(seed, 20, Plot.RECORDINGS, known)
    one = next(s for s in found.sounds if s.kind == DOG)
    alone = replace(found, sounds=(one,), room=replace(found.room, hiss=0.0, rumble=0.0))
    renderer = SoundRenderer(alone)
    loud = [
        unit
        for unit in range(20)
        if np.sum(np.abs(renderer.second(unit)) > 0.3 * one.level) > 0.1 * 16_000
    ]
    assert loud
    assert set(loud) <= set(np.flatnonzero(Senses(alone).heard(DOG)).tolist())


def test_a_stretch_and_a_spoken_instruction_keep_the_labels(barking: Scene) -> None:
    assert np.flatnonzero(Senses(barking.stretch(4, 8)).heard(DOG)).tolist() == [0]
    assert np.flatnonzero(Senses(barking.delayed(3)).heard(DOG)).tolist() == [5, 7]
    assert not Senses(barking.cut(2)).sounds


def test_a_cut_ends_what_is_played(known: RecordingLibrary) -> None:
    first = replace(scene(10, sounds=(event(known, RAIN, 8.0),)), recorded=known.kinds)
    stream = ContinuousStream(1, [first, scene(4)])
    assert np.flatnonzero(Senses(stream.scene).heard(RAIN)).tolist() == [8, 9]
    assert stream.scene.recorded == known.kinds
    quiet = ContinuousStream(1, [scene(4), first])
    assert quiet.scene.recorded == known.kinds


def test_what_is_played_has_its_level(barking: Scene, known: RecordingLibrary) -> None:
    silent = replace(barking.room, hiss=0.0, rumble=0.0)
    renderer = SoundRenderer(replace(barking, room=silent, sounds=barking.sounds[:2]))
    assert np.sqrt(np.mean(np.square(renderer.second(10)))) == pytest.approx(0.1, rel=0.1)
    assert not renderer.second(6).any()
    loud = replace(barking.sounds[1], level=5.0)
    clipped = SoundRenderer(replace(barking, room=silent, sounds=(loud,)))
    assert np.abs(clipped.second(10)).max() <= 0.951


def test_alerts_on_recordings_have_labels_wordings_and_near_misses(
    known: RecordingLibrary,
) -> None:
    wordings: dict[bool, set[str]] = {True: set(), False: set()}
    happening: Counter[bool] = Counter()
    reports = set()
    for split in (Split.TRAIN, Split.TEST):
        for index in range(60):
            found = make_scene(split.seed(index), 30, recordings=known)
            for alert in draw_alerts(found, 6):
                if isinstance(alert.event.sound, RecordedSound) and alert.event.look is None:
                    wordings[split is Split.TRAIN].add(alert.wording)
                    happening[bool(alert.labels.any())] += 1
                    reports.add((alert.instruction, alert.event.report))
                    np.testing.assert_array_equal(
                        alert.labels, Senses(found).heard(alert.event.sound)
                    )
                else:
                    assert alert.wording in PLAIN_WORDINGS
    assert wordings == {True: set(TRAIN_WORDINGS), False: set(WORDINGS)}
    assert min(happening.values()) > 10
    assert ("alert me when a dog barks", "a dog barks.") in reports
    assert ("tell me when you hear a dog bark", "a dog barks.") in reports
    assert ("let me know every time rain falls", "rain falls.") in reports
    assert len(WORDINGS) > len(TRAIN_WORDINGS)


def test_an_alert_on_a_figure_and_a_recording(barking: Scene) -> None:
    both = replace(barking, figures=(figure(RED_CIRCLE, 1.5, 3.5),))
    waited = WorldEvent(look=RED_CIRCLE, sound=DOG)
    assert waited.condition == "a red circle appears while a dog barks"
    assert waited.kind is AlertKind.JOINT
    assert np.flatnonzero(waited.happens(Senses(both))).tolist() == [2]


def test_a_recording_is_told_when_it_has_ended(barking: Scene) -> None:
    told = [(segment.first, segment.end, segment.text) for segment in narrate(barking)]
    assert told == [
        (2, 3, "a dog barked."),
        (4, 5, "a dog barked."),
        (8, 12, "a beep sounds and rain falls."),
    ]
    seen = replace(barking, figures=(figure(RED_CIRCLE, 1.7, 5.7),))
    assert [segment.text for segment in narrate(seen)][:3] == [
        "a red circle stays while a dog barks.",
        "a red circle stays.",
        "a red circle stays while a dog barks.",
    ]
    assert captions(barking)[2:5] == ("a dog barked.", "nothing happens.", "a dog barked.")


def test_questions_on_recordings(barking: Scene) -> None:
    asked = {
        (q.text, q.unit): q.answer
        for seed in range(60)
        for q in draw_questions(replace(barking, seed=seed), 30)
    } | {(q.text, q.unit): q.answer for q in dense_questions(barking, 30)}
    before = {q: answer for q, answer in asked.items() if q[0] == "did a dog bark?"}
    assert {answer for (_, unit), answer in before.items() if unit < 2} == {"no"}
    assert {answer for (_, unit), answer in before.items() if unit >= 2} == {"yes"}
    assert asked["did a baby cry?", 12] == "no"
    assert asked["what do you hear now?", 4] == "dog"
    assert asked["what do you hear now?", 3] == "nothing"
    assert asked["do you hear rain now?", 8] == "yes"
    assert asked["do you hear a dog now?", 8] == "no"
    assert asked["which came first, a dog or rain?", 9] == "dog"
    assert {unit for text, unit in asked if text == "what was the first sound?"} >= {2}


def test_questions_on_what_was_heard_need_recordings() -> None:
    assert not draw_questions(make_scene(4, 30), 5, [QuestionKind.HEARD_BEFORE])


def test_spoken_instructions_are_about_recordings_too(known: RecordingLibrary) -> None:
    found = make_scene(11, 12, Plot.RECORDINGS, known)
    exercises = alerts_on(found, 4, spoken=True, kinds=(AlertKind.AUDIO,))
    assert len(exercises) == 4
    for exercise in exercises:
        later = exercise.scene.seconds - found.seconds
        assert isinstance(exercise.subject, WorldAlert)
        before = exercise.subject.event.happens(Senses(found))
        np.testing.assert_array_equal(exercise.labels[later:], before)


def test_all_that_is_said_of_recordings_is_made_of_the_listed_words(
    known: RecordingLibrary,
) -> None:
    def words(texts: list[str]) -> set[str]:
        return set(re.findall(r"[a-z]+", " ".join(texts)))

    old, new = [], []
    for seed in range(60):
        for texts, found in (
            (old, make_scene(seed, 20)),
            (new, make_scene(seed, 20, recordings=known)),
            (new, make_scene(Split.TEST.seed(seed), 20, Plot.RECORDINGS, known)),
        ):
            texts += [f"{a.instruction} {a.event.report}" for a in draw_alerts(found, 8)]
            texts += [f"{q.text} {q.answer}" for q in draw_questions(found, 20)]
            texts += [*captions(found), *(segment.text for segment in narrate(found))]
    listed = words(list(recorded_sentences()))
    assert words(new) - words(old) <= listed
    assert len(listed - words(old)) <= 60


def test_annotations_name_recordings(barking: Scene) -> None:
    told = annotate(barking)["sounds"][0]
    assert told["kind"] == "dog"
    assert told["units"] == [2, 4]
    json.dumps(annotate(barking))


ESC = Path(__file__).parents[3] / "shared" / "data" / "esc10"


@pytest.mark.skipif(not ESC.is_dir(), reason="../shared/data/esc10 is missing")
def test_the_real_esc_10_is_read_and_trimmed() -> None:
    real = RecordingLibrary.open(ESC)
    assert set(real.kinds) == set(ESC_10)
    assert all(len(real.files(Split.TRAIN, kind)) == 24 for kind in ESC_10)
    assert all(len(real.files(Split.TEST, kind)) == 8 for kind in ESC_10)
    sounding: dict[str, list[float]] = {}
    for clip in real.clips(Split.TEST):
        sounding.setdefault(clip.kind.value, []).append(clip.sounding)
    mean = {kind: float(np.mean(seconds)) for kind, seconds in sounding.items()}
    assert mean["rain"] > 4.5
    assert mean["sneeze"] < 1.5
    assert mean["rooster"] < 3.5
    found = make_scene(Split.TEST.seed(0), 60, Plot.RECORDINGS, real)
    assert len({s.kind for s in found.sounds}) == 10
