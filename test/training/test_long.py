"""Long lessons: what is due, asked and described is in the window at that time."""

from __future__ import annotations

import numpy as np
import pytest

from roma_ros.training.curriculum import Lesson, Lessons, Mix
from roma_ros.training.example import StreamExample
from roma_ros.training.long import composed, narrated
from roma_ros.world import NARRATION_INSTRUCTION, ContinuousStream, Plot, Scene, make_scene

from .rendered import rendered

SHORT = Mix(long=1, long_seconds=(12, 16), windows=(5, 7), questions_per_stream=6)


def scene(seed: int, seconds: int) -> Scene:
    return make_scene(seed, seconds, Plot.SEQUENCE)


def long_stream(seed: int, seconds: int = 90) -> ContinuousStream:
    return composed(seed, seconds, np.random.default_rng(seed), scene)


def rows(mix: Mix, worlds: int) -> list[StreamExample]:
    lessons = Lessons([Lesson(mix, 8 * worlds)])
    return [row for index in range(0, len(lessons), 8) for row in lessons[index]]


def test_a_stream_has_cuts_and_quiet_stretches_and_begins_within_a_scene() -> None:
    streams = [long_stream(seed) for seed in range(12)]
    assert {stream.seconds for stream in streams} == {90}
    assert all(len(stream.parts) > 2 for stream in streams)
    assert any(part.quiet for stream in streams for part in stream.parts)
    begun = [f for stream in streams for f in stream.scene.figures if f.appears < 0]
    assert begun


def test_a_sentence_leaves_out_what_has_left_the_window() -> None:
    fewer = 0
    for seed in range(12):
        stream = long_stream(seed)
        whole, some = narrated(stream, 90), narrated(stream, 3)
        assert whole == stream.segments
        assert [s.end for s in some] == [s.end for s in whole]
        for one, other in zip(whole, some, strict=True):
            assert one.text == other.text or one.end - one.first >= 3
            fewer += len(other.text) < len(one.text)
    assert fewer


@pytest.mark.slow
def test_rows_of_a_stream_have_windows_of_their_own_and_share_its_units() -> None:
    written = rows(SHORT, 10)
    assert {row.window for row in written} == {5, 6, 7}
    assert all(12 <= len(row.units) <= 16 for row in written)
    narrations = [row for row in written if row.instruction == NARRATION_INSTRUCTION]
    alerts = [row for row in written if row.instruction != NARRATION_INSTRUCTION]
    assert narrations
    assert any(row.replies for row in narrations)
    assert not any(row.replies for row in alerts)
    assert any(any(row.speak) for row in alerts)
    assert any("every time" in str(row.instruction) for row in alerts)
    kept = [exchange.kept for row in written for exchange in row.exchanges]
    assert 0.02 < np.mean(kept) < 0.4
    world = Lessons([Lesson(SHORT, 8)])[0]
    assert len({id(unit) for row in world for unit in row.units}) == len(world[0].units)


@pytest.mark.slow
def test_spoken_instructions_are_kept_and_questions_end_their_stream() -> None:
    spoken = rows(Mix(long=1, long_seconds=(16, 20), spoken=1, windows=(5, 7)), 12)
    assert not any(row.instruction for row in spoken)
    told = [row for row in spoken if row.speak]
    assert all(1 < row.spoken_units < 8 for row in told)
    assert {len(row.units) > 20 for row in told} == {True, False}  # before the scene, and over it
    assert {rendered(row)[0].frames is None for row in told} == {True, False}
    assert all(min(row.replies, default=99) >= row.spoken_units - 1 for row in told)
    asked = [row for row in spoken if not row.speak]
    assert asked
    assert all([*row.replies] == [len(row.units) - 1] for row in asked)


def test_the_same_number_is_the_same_row() -> None:
    for first, second in zip(rows(SHORT, 2), rows(SHORT, 2), strict=True):
        assert first.instruction == second.instruction
        assert first.window == second.window
        assert first.exchanges == second.exchanges
        assert first.speak == second.speak


def test_bad_windows_are_named() -> None:
    with pytest.raises(ValueError, match="windows is"):
        Mix(long=1, windows=(0, 5))
    with pytest.raises(ValueError, match="long_rows is 0"):
        Mix(long=1, long_rows=0)
