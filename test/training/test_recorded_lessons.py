"""Lessons with recorded sounds and unknown words."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roma_ros.training.auxiliary import AUDIO_LABELS
from roma_ros.training.curriculum import Lesson, Lessons, Mix
from roma_ros.training.example import StreamExample
from roma_ros.training.settings import SettingsError, TrainSettings
from roma_ros.world import ESC_10, RecordingLibrary, RecordingsError, Split
from roma_ros.world.unknown_words import TRAIN_EVENTS

from ..world.recorded import library, write_esc_10
from .rendered import rendered

ALL = Mix(glimpses=1, dictations=1, questions=1, alerts=1, narrations=1, memories=1, seconds=(3, 6))
TEN = {kind.value for kind in ESC_10}


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> RecordingLibrary:
    return library(tmp_path_factory.mktemp("esc10"))


def worlds(mix: Mix, known: RecordingLibrary, count: int = 8) -> list[list[StreamExample]]:
    lessons = Lessons([Lesson(mix, count)], recordings=known)
    return [lessons[index] for index in range(count)]


def texts(world: list[StreamExample]) -> str:
    asked = (f"{e.question} {e.answer}" for example in world for e in example.exchanges)
    told = (text for example in world for text in example.replies.values())
    return " ".join([*asked, *told, *(str(example.instruction) for example in world)])


def test_a_mix_without_recordings_is_the_same_with_a_library(known: RecordingLibrary) -> None:
    plain, with_it = Lessons([Lesson(ALL, 16)]), Lessons([Lesson(ALL, 16)], recordings=known)
    for index in range(16):
        for one, two in zip(plain[index], with_it[index], strict=True):
            assert (one.instruction, one.exchanges, one.speak) == (
                two.instruction,
                two.exchanges,
                two.speak,
            )
            for a, b in zip(rendered(one), rendered(two), strict=True):
                np.testing.assert_array_equal(a.audio, b.audio)


@pytest.mark.parametrize("values", [{"recorded": 0.5}, {"recordings": 1.0}])
def test_a_mix_with_recordings_needs_a_library(values: dict) -> None:
    with pytest.raises(ValueError, match="there are no recordings; expected a folder of them"):
        Lessons([Lesson(replace(ALL, **values), 4)])


@pytest.mark.parametrize("name", ["recorded", "unknown"])
def test_shares_are_shares(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 1.5; expected a share from 0 to 1"):
        replace(ALL, **{name: 1.5})


@pytest.mark.parametrize("kind", ["glimpses", "dictations", "questions", "alerts", "narrations"])
def test_every_kind_of_lesson_has_recordings(known: RecordingLibrary, kind: str) -> None:
    mix = Mix(**{kind: 1.0}, recorded=1.0, seconds=(6, 8))
    told = " ".join(map(texts, worlds(mix, known)))
    assert {name for name in ("dog", "rain", "waves", "baby") if name in told} >= {"dog", "waves"}


def test_glimpses_hear_every_kind_about_as_often(known: RecordingLibrary) -> None:
    counts: Counter[str] = Counter()
    examples = [e for w in worlds(Mix(glimpses=1, recorded=1, seconds=(16, 16)), known) for e in w]
    assert len(examples) == 8 * 16
    for example in examples:
        assert example.facts is not None
        assert example.facts.heard is not None
        counts.update(example.facts.heard & TEN)
    assert sum(counts.values()) > 0.7 * len(examples)
    assert set(counts) == {"dog", "rain", "waves", "baby"}
    assert max(counts.values()) < 2.5 * min(counts.values())


def test_the_ten_kinds_have_auxiliary_labels() -> None:
    assert set(AUDIO_LABELS) >= TEN


def test_streams_of_recordings_have_alerts_that_are_due_and_near_misses(
    known: RecordingLibrary,
) -> None:
    due: Counter[bool] = Counter()
    for world in worlds(Mix(recordings=1, seconds=(8, 12)), known, 24):
        assert len({id(example.units) for example in world}) == 1
        for example in world:
            assert example.instruction
            assert example.speak
            if any(kind.condition in example.instruction for kind in ESC_10):
                due[any(example.speak)] += 1
    assert min(due[True], due[False]) > 2


@pytest.mark.parametrize("kind", ["alerts", "recordings"])
def test_instructions_of_unknown_words_are_never_due(known: RecordingLibrary, kind: str) -> None:
    mix = Mix(**{kind: 1.0}, unknown=1.0, seconds=(4, 6))
    examples = [example for world in worlds(mix, known) for example in world]
    assert len(examples) > 20
    assert not any(any(example.speak) for example in examples)
    listed = [e for e in examples if any(str(e.instruction).endswith(t) for t in TRAIN_EVENTS)]
    assert len(listed) > 5


def test_splits_play_recordings_of_their_own(known: RecordingLibrary) -> None:
    mix = Mix(recordings=1, seconds=(8, 8))
    held_out = Lessons([Lesson(mix, 4)], Split.TEST, recordings=known)
    assert all(example.instruction for index in range(4) for example in held_out[index])


def test_settings_name_the_folder_and_its_folds(tmp_path: Path) -> None:
    folder = write_esc_10(tmp_path / "esc10")
    file = tmp_path / "settings.yaml"
    lesson = "lessons: [{worlds: 1, mix: {recordings: 1.0}}]"
    file.write_text(f"model: roma_tiny\n{lesson}\nrecordings: {folder}\nrecording_folds: [1, 4]\n")
    found = TrainSettings.read(file).library()
    assert found is not None
    assert found.train_folds == (1, 4)
    assert replace(TrainSettings.read(file), recordings=None).library() is None
    with pytest.raises(RecordingsError, match="is not a folder"):
        replace(TrainSettings.read(file), recordings=str(tmp_path / "none")).library()


@pytest.mark.parametrize("folds", [[], [0], [6], ["one"]])
def test_folds_are_numbers_from_1_to_5(folds: list) -> None:
    with pytest.raises(SettingsError, match="recording_folds"):
        TrainSettings(model="roma_tiny", lessons=(Lesson(ALL, 1),), recording_folds=tuple(folds))
