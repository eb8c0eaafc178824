from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roma_ros.units import NS_PER_SECOND
from roma_ros.world import (
    ContinuousStream,
    Plot,
    QuestionKind,
    Scene,
    SceneError,
    Senses,
    Split,
    WorldEvent,
    WorldRenderer,
    draw_alerts,
    make_continuous,
    make_scene,
    narrate,
)
from roma_ros.world.alert import windows
from roma_ros.world.words import NUMBERS

from .by_hand import RED_CIRCLE, figure, scene
from .recorded import library

SEED = Split.VALIDATION.seed(7)


def test_parts_follow_one_another_up_to_the_length() -> None:
    stream = make_continuous(SEED, 300, scene_seconds=(10, 20), quiet_seconds=(5, 40))
    assert stream.seconds == 300
    assert [part.start for part in stream.parts[1:]] == [part.end for part in stream.parts[:-1]]
    assert stream.parts[0].start == 0
    scenes = [part for part in stream.parts[:-1] if not part.quiet]
    quiet = [part for part in stream.parts[:-1] if part.quiet]
    assert all(10 <= part.scene.seconds <= 20 for part in scenes)
    assert quiet
    assert all(5 <= part.scene.seconds <= 40 for part in quiet)
    assert {Split.of(part.scene.seed) for part in stream.parts} == {Split.VALIDATION}


def test_a_seed_determines_the_stream() -> None:
    one, again, other = (make_continuous(seed, 60) for seed in (SEED, SEED, SEED + 1))
    assert one.parts == again.parts
    assert one.parts != other.parts
    assert [a.instruction for a in one.alerts(6)] == [a.instruction for a in again.alerts(6)]


def test_the_first_part_is_quiet_for_the_lead() -> None:
    stream = make_continuous(SEED, 40, lead_seconds=6)
    assert stream.parts[0].quiet
    assert stream.parts[0].end == 6
    assert not stream.parts[1].quiet
    assert stream.seconds == 40


def test_units_have_indices_and_stamps_of_the_stream_and_content_of_their_scene() -> None:
    stream = make_continuous(SEED, 40, scene_seconds=(10, 12))
    units = list(stream.units(5, 30, stream=3))
    assert [unit.index for unit in units] == list(range(5, 30))
    assert [unit.start for unit in units] == [k * NS_PER_SECOND for k in range(5, 30)]
    assert {unit.stream for unit in units} == {3}
    part = stream.parts[1]
    alone = WorldRenderer(part.scene).unit(2)
    there = units[part.start + 2 - 5]
    assert there.frames is not None
    assert alone.frames is not None
    assert np.array_equal(there.frames, alone.frames)
    assert there.audio is not None
    assert alone.audio is not None
    assert np.array_equal(there.audio, alone.audio)


def test_labels_are_those_of_the_scenes_one_after_another() -> None:
    stream = make_continuous(SEED, 120)
    alert = draw_alerts(stream.parts[0].scene, 1)[0]
    labels = stream.labels(alert.event)
    assert len(labels) == 120
    assert np.array_equal(labels[: stream.parts[0].end], alert.labels)
    for alert in stream.alerts(12):
        assert np.array_equal(stream.labels(alert.event), alert.event.happens(Senses(stream.scene)))


def test_most_alerts_happen_several_times_and_some_never() -> None:
    alerts = make_continuous(SEED, 600).alerts(12)
    counts = [len(alert.windows) for alert in alerts]
    assert len({alert.event for alert in alerts}) == 12
    assert counts.count(0) == 2
    assert sum(count >= 3 for count in counts) >= 6
    assert {alert.every_time for alert in alerts} == {False, True}


def test_a_cut_ends_a_segment_and_a_figure(busy_scene: Scene) -> None:
    first = scene(10, figures=(figure(RED_CIRCLE, 7.1, 14.2),))
    stream = ContinuousStream(SEED, [first, busy_scene])
    assert windows(stream.labels(WorldEvent(look=RED_CIRCLE)))[0].last == 9
    assert stream.cuts == (10,)
    segments = stream.segments
    assert (segments[0].first, segments[0].end) == (7, 10)
    assert segments[0].text == "a red circle stays."
    later = [replace(s, first=s.first - 10, end=s.end - 10) for s in segments[1:]]
    assert tuple(later) == narrate(busy_scene)


def test_questions_are_about_the_last_seconds() -> None:
    stream = make_continuous(SEED, 90, scene_seconds=(10, 15), quiet_share=0)
    counted = 0
    for unit in range(20, 90):
        part = stream.part_at(unit)
        since = unit + 1 - part.start
        seen = [f for f in part.scene.figures if f.seen_in.start < since]
        for question in stream.questions(unit, 8, [QuestionKind.SHAPES_SO_FAR], seconds=since):
            assert question.unit == unit
            if question.text == "how many shapes so far?":
                counted += 1
                assert question.answer == NUMBERS[len(seen)]
    assert counted > 5


def test_a_stretch_begins_in_the_middle_of_a_scene() -> None:
    stream = make_continuous(SEED, 90, plots=Plot.SEQUENCE, scene_seconds=(10, 15))
    stretch = stream.stretch(4, 30)
    assert stretch.seconds == 30
    for alert in stream.alerts(6):
        assert np.array_equal(stretch.labels(alert.event), alert.labels[4:34])
    ends = [s.end - 4 for s in stream.segments if 4 < s.end < 34]
    assert [segment.end for segment in stretch.segments] == ends


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seconds": 0}, "the stream has 0 s; expected at least 1 s"),
        ({"scene_seconds": (9, 8)}, "scene_seconds is (9, 8)"),
        ({"quiet_seconds": (-1, 8)}, "quiet_seconds is (-1, 8)"),
        ({"quiet_share": 2}, "quiet_share is 2; expected 0 to 1"),
        ({"seed": -1}, "the seed is -1"),
    ],
)
def test_a_setting_out_of_range_is_an_error(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(SceneError, match=message.replace("(", r"\(").replace(")", r"\)")):
        make_continuous(**{"seed": 1, "seconds": 10, **wrong})  # type: ignore[arg-type]


def test_a_stream_without_scenes_is_an_error() -> None:
    with pytest.raises(SceneError, match="no scene"):
        ContinuousStream(SEED, [])


def test_a_stream_of_one_scene_is_that_scene() -> None:
    one = make_scene(SEED, 20, Plot.SEQUENCE)
    assert ContinuousStream(SEED, [one]).segments == narrate(one)


def test_a_cut_ends_a_recording(tmp_path: Path) -> None:
    known = library(tmp_path)
    scenes = [make_scene(SEED + k, 7, Plot.RECORDINGS, known) for k in range(8)]
    stream = ContinuousStream(SEED, scenes)
    assert any(event.end > scene.seconds for scene in scenes for event in scene.sounds)
    for kind in known.kinds_of(Split.VALIDATION):
        event = WorldEvent(sound=kind)
        assert np.array_equal(stream.labels(event), event.happens(Senses(stream.scene)))
