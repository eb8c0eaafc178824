"""Variations of samples: what they do to the stream, and to the labels."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from roma_ros.data import (
    Augmentation,
    Sample,
    SampleAnswer,
    SampleQuery,
    Task,
    Variation,
    sample_units,
    vary,
)
from roma_ros.units import MultimodalUnit
from roma_ros.world.film import write_speech

from ..clips import Clip, write_clip

SPEECH = 1.5  # seconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips")
    times = tuple(second + part for second in (3, 6) for part in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5))
    write_clip(path / "clip.mp4", Clip(seconds=10, flashes=times, beeps=(3.1, 6.1)))
    tone = 0.2 * np.sin(np.arange(round(SPEECH * 16_000)) * 0.3)
    write_speech(path / "said.wav", tone.astype(np.float32))
    for number in range(20):
        cv2.imwrite(str(path / f"{number:02}.png"), np.full((56, 56, 3), number * 10, np.uint8))
    return path


def alert(**change: object) -> Sample:
    sample = Sample(
        task=Task.ALERT,
        id="a",
        video=("clip.mp4",),
        queries=(SampleQuery(text="Tell me.", audio=None, time=0.0, duration=0.0),),
        answers=tuple(SampleAnswer("alert", time) for time in (4.0, 7.0)),
    )
    return replace(sample, **change)  # type: ignore[arg-type]


def spoken(*times: float, task: Task = Task.QUESTION) -> Sample:
    queries = tuple(
        SampleQuery(text="x", audio="said.wav", time=time, duration=SPEECH) for time in times
    )
    answers = tuple(
        SampleAnswer(f"answer {number}", float(math.ceil(time + SPEECH)))
        for number, time in enumerate(times)
    )
    return alert(task=task, queries=queries, answers=answers)


def bright(units: list[MultimodalUnit]) -> list[int]:
    return [u.index for u in units if u.frames is not None and u.frames[0].mean() > 150]


def loud(units: list[MultimodalUnit]) -> np.ndarray:
    """Return the seconds at which something is heard."""
    sound = np.concatenate([unit.audio for unit in units if unit.audio is not None])
    return np.flatnonzero(np.abs(sound) > 0.1) / 16_000


def played(variation: Variation, folder: Path) -> list[MultimodalUnit]:
    units = list(sample_units(variation.sample, folder, variation))
    assert [unit.index for unit in units] == list(range(len(units)))
    return units


def test_nothing_is_varied_by_default(folder: Path) -> None:
    sample = alert()
    variation = vary(sample, Augmentation(), 1)
    assert variation.sample == sample
    for one, other in zip(played(variation, folder), sample_units(sample, folder), strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
        np.testing.assert_array_equal(one.audio, other.audio)


def test_a_seed_gives_the_same_variation_again(folder: Path) -> None:
    setting = Augmentation(
        speed=(0.8, 1.25), drop_frames=0.3, repeat_frames=0.3, jitter=0.1, delay=3, interrupt=0.5
    )
    sample = spoken(4.1)
    one, same = vary(sample, setting, 1, 2), vary(sample, setting, 1, 2)
    assert one == same
    assert one != vary(sample, setting, 1, 3)
    assert one != vary(sample, setting, 2, 2)
    assert one != vary(replace(sample, id="b"), setting, 1, 2)
    for first, second in zip(played(one, folder), played(same, folder), strict=True):
        np.testing.assert_array_equal(first.frames, second.frames)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_speed_moves_pictures_sound_and_labels_alike(folder: Path, speed: float) -> None:
    variation = vary(alert(), Augmentation(speed=(speed, speed)), 1)
    units = played(variation, folder)
    assert len(units) == pytest.approx(10 / speed, abs=1)
    due = [answer.unit for answer in variation.sample.answers]
    assert due == ([6, 7, 12, 13] if speed == 0.5 else [1, 3])
    flashes = [3 / speed, 6 / speed]
    assert {math.floor(time) for time in flashes} <= {unit for unit in due if unit is not None}
    heard = loud(units)
    for time in (3.1, 6.1):
        assert np.abs(heard - time / speed).min() < 0.05
        assert ((heard > time / speed - 0.05) & (heard < (time + 0.1) / speed + 0.05)).any()
    if speed == 0.5:
        assert bright(units) == due


def test_speed_moves_sentences_and_questions(folder: Path) -> None:
    told = alert(
        task=Task.NARRATION,
        answers=(SampleAnswer("a", 3.0), SampleAnswer("b", 4.0), SampleAnswer("c", 9.0)),
    )
    twice = vary(told, Augmentation(speed=(2, 2)), 1).sample
    assert [(a.text, a.unit) for a in twice.answers] == [("a b", 1), ("c", 4)]
    asked = vary(spoken(4.1, 7.1), Augmentation(speed=(2, 2)), 1).sample
    first, second = asked.queries
    assert first.time == pytest.approx(2.1)
    assert first.duration == SPEECH  # the video is faster, not who asks
    assert asked.answers[0].time == math.ceil(2.1 + SPEECH)
    assert second.time == pytest.approx(4.1)


@pytest.mark.parametrize("name", ["drop_frames", "repeat_frames", "jitter"])
def test_frames_change_and_labels_and_sound_stay(folder: Path, name: str) -> None:
    setting = Augmentation(**{name: 0.3 if name == "jitter" else 0.7})  # type: ignore[arg-type]
    variation = vary(alert(), setting, 3)
    assert variation.sample == alert()
    plain = list(sample_units(alert(), folder))
    units = played(variation, folder)
    assert len(units) == len(plain)
    changed = 0
    for one, other in zip(units, plain, strict=True):
        np.testing.assert_array_equal(one.audio, other.audio)
        changed += not np.array_equal(one.frames, other.frames)
    assert changed


def test_pictures_are_varied_too(folder: Path) -> None:
    sample = alert(video=tuple(f"{number:02}.png" for number in range(20)))
    fast = played(vary(sample, Augmentation(speed=(2, 2)), 1), folder)
    levels = [int(frame[0, 0, 0]) for u in fast if u.frames is not None for frame in u.frames]
    assert levels[:4] == [0, 20, 40, 60]
    lost = played(vary(sample, Augmentation(drop_frames=0.9), 1), folder)
    assert len(lost) == 10
    kept = {int(frame[0, 0, 0]) for u in lost if u.frames is not None for frame in u.frames}
    assert len(kept) < 10


def test_a_delayed_question_holds_the_stream_and_moves_what_follows(folder: Path) -> None:
    sample = spoken(4.1, 7.1)
    plain = list(sample_units(sample, folder))
    for number in range(20):
        variation = vary(sample, Augmentation(delay=3), 1, number)
        if sum(hold.count for hold in variation.holds) > 0:
            break
    first = sum(hold.count for hold in variation.holds if hold.unit == 4)
    both = sum(hold.count for hold in variation.holds)
    changed = variation.sample
    assert [query.time for query in changed.queries] == pytest.approx([4.1 + first, 7.1 + both])
    assert [answer.time for answer in changed.answers] == [6 + first, 9 + both]
    units = played(variation, folder)
    assert len(units) == len(plain) + both
    # Frames are bright at 3.5 s and at 6.5 s, and are held from there on.
    held = [*range(4, 4 + first), 6 + first, *range(7 + first, 7 + both)]
    assert bright(units) == [3, *held]
    heard = loud(units)
    assert heard[(heard > 4 + first) & (heard < 6 + first)].size


def test_a_delayed_instruction_is_due_for_nothing_before(folder: Path) -> None:
    sample = alert(
        queries=(SampleQuery(text="x", audio="said.wav", time=0.0, duration=SPEECH),),
        answers=tuple(SampleAnswer("alert", float(time)) for time in range(1, 9)),
    )
    for number in range(20):
        variation = vary(sample, Augmentation(delay=4), 1, number)
        if variation.sample.queries[0].time == 0:
            assert variation.sample == sample
            continue
        told = variation.sample.queries[0].time + SPEECH
        times = [answer.time for answer in variation.sample.answers]
        assert times == [float(time) for time in range(1, 9) if time > told]
        assert not variation.holds
        assert len(played(variation, folder)) == 10


def test_an_interrupted_query_is_begun_again_and_answered_once(folder: Path) -> None:
    sample = spoken(8.1)
    variation = vary(sample, Augmentation(interrupt=1), 2)
    (start,) = variation.false_starts
    (query,) = variation.sample.queries
    (answer,) = variation.sample.answers
    assert start.onset == 8.1
    assert 0.1 < start.seconds < SPEECH
    assert query.time > start.onset + start.seconds + 0.29
    assert answer.time == math.ceil(query.time + SPEECH)
    heard = loud(played(variation, folder))
    assert heard[(heard > 8.1) & (heard < 8.1 + start.seconds)].size
    gap = (heard > start.onset + start.seconds + 0.01) & (heard < query.time - 0.01)
    assert not heard[gap].size
    assert heard.max() == pytest.approx(query.time + SPEECH, abs=0.02)
    instructed = vary(replace(sample, task=Task.ALERT), Augmentation(interrupt=1), 2)
    assert instructed.sample.answers == ()
    assert instructed.sample.queries[0].time > 8.1


@pytest.mark.parametrize(
    "setting",
    [
        {"speed": (0.1, 1.0)},
        {"speed": (2.0, 1.0)},
        {"drop_frames": 1.1},
        {"repeat_frames": -0.1},
        {"jitter": 2.0},
        {"delay": -1},
        {"interrupt": float("nan")},
    ],
)
def test_settings_out_of_range_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(setting))} is"):
        Augmentation(**setting)  # type: ignore[arg-type]
