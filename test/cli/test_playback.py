"""Playback, with the embedded model."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from roma_ros.assistant import AssistantConfig
from roma_ros.cli.arguments import TimedQuestion
from roma_ros.cli.errors import UsageError
from roma_ros.cli.playback import Playback
from roma_ros.events import Answer, Event, SpeakProbability
from roma_ros.quantize.onnx_export import export_vision
from roma_ros.sources import Item, MediaFile, MediaFileConfig, Source, SourceError
from roma_ros.thinker import RomaThinker
from roma_ros.thinker.onnx_overrides import OnnxOverrides
from roma_ros.thinker.onnx_parts import OnnxVision
from roma_ros.units import AudioChunk
from roma_ros.watch import Watch, WatchKind

CONFIG = AssistantConfig(context_seconds=5, max_backlog=60)
WATCH = Watch(id="bell", kind=WatchKind.ALERT, instruction="alert me when it rings", threshold=0.9)


class Hum(Source):
    """Sound that begins at some stamp and fails, or goes on for ever."""

    live: ClassVar[bool] = False

    def __init__(self, *, begin: int = 0, fails_after: int | None = None) -> None:
        self.begin = begin
        self.fails_after = fails_after
        self.closed = False

    @property
    def has_video(self) -> bool:
        return False

    @property
    def has_audio(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Item]:
        samples = np.full(8_000, 0.1, np.float32)
        for number in itertools.count():
            if self.closed:
                return
            if number == self.fails_after:
                raise SourceError("the hum has stopped")
            yield AudioChunk(self.begin + number * 500_000_000, 16_000, samples)

    def close(self) -> None:
        self.closed = True


def open_clip(clip: Path) -> MediaFile:
    return MediaFile(MediaFileConfig(path=clip, start_stamp=70_000_000_000))


@pytest.mark.slow
@pytest.mark.parametrize("fast", [True, False])
def test_every_unit_is_heard_and_seconds_count_from_the_beginning(
    thinker: RomaThinker, clip: Path, fast: bool
) -> None:
    question = TimedQuestion("What is it?", 1.5)
    with Playback(
        open_clip(clip), thinker, watches=[WATCH], questions=[question], config=CONFIG, fast=fast
    ) as playback:
        events: list[Event] = [event for batch in playback for event in batch]
        progress = playback.progress()
    heard = [event for event in events if isinstance(event, SpeakProbability)]
    assert [event.stamp for event in heard] == [71_000_000_000, 72_000_000_000, 73_000_000_000]
    assert [playback.seconds(event) for event in heard] == [1.0, 2.0, 3.0]
    answers = [event for event in events if isinstance(event, Answer)]
    assert [playback.seconds(answer) for answer in answers] == [2.0]
    ((asked, future),) = playback.answers
    assert asked == question
    assert future.result(timeout=0) == answers[0]
    assert (progress.units, progress.seconds, progress.backlog) == (3, 3.0, 0)
    assert (progress.dropped, progress.audio_only, progress.filled) == (0, 0, 0)
    assert progress.real_time_factor == progress.busy / 3
    assert 0 < progress.step_p50 <= progress.step_p99 <= progress.busy


def test_nothing_is_lost_when_fast_however_slow_the_model(thinker: RomaThinker) -> None:
    with Playback(Hum(), thinker, config=CONFIG, fast=True) as playback:
        for _ in playback:
            if playback.progress().units == 12:
                playback.stop()
        progress = playback.progress()
    assert progress.units == 12
    assert progress.dropped == 0


@pytest.mark.slow
@pytest.mark.parametrize("fast", [True, False])
def test_a_source_that_fails_says_so_after_what_was_heard(thinker: RomaThinker, fast: bool) -> None:
    events: list[Event] = []
    source = Hum(fails_after=4)
    with (
        Playback(source, thinker, config=CONFIG, fast=fast) as playback,
        pytest.raises(SourceError, match="the hum has stopped"),
    ):
        events.extend(itertools.chain.from_iterable(playback))
    assert any(isinstance(event, SpeakProbability) for event in events)
    assert source.closed


@pytest.mark.slow
@pytest.mark.parametrize("fast", [True, False])
def test_stop_ends_it_soon(thinker: RomaThinker, fast: bool) -> None:
    source = Hum()
    with Playback(source, thinker, config=CONFIG, fast=fast) as playback:
        for batch in playback:
            if any(isinstance(event, SpeakProbability) for event in batch):
                begin = time.monotonic()
                playback.stop()
    assert time.monotonic() - begin < 2
    assert playback.stopped
    assert source.closed


def test_a_question_that_comes_too_late_stays_unasked(thinker: RomaThinker, clip: Path) -> None:
    late = TimedQuestion("What is it?", 3.5)
    with Playback(open_clip(clip), thinker, questions=[late], config=CONFIG, fast=True) as playback:
        for _ in playback:
            pass
    assert playback.unasked == (late,)
    assert not playback.answers


def test_items_that_no_unit_takes_do_not_end_it(thinker: RomaThinker) -> None:
    """A stamp below zero is counted by the assembler; the rest is heard."""
    with Playback(Hum(begin=-500_000_000), thinker, config=CONFIG, fast=True) as playback:
        for _ in playback:
            if playback.progress().units == 2:
                playback.stop()
    assert playback.progress().units == 2


def bundle_for(thinker: RomaThinker, path: Path, rows: int, columns: int) -> RomaThinker:
    """The same model with a vision encoder of ONNX that takes one grid of patches."""
    export_vision(thinker, path, rows=rows, columns=columns)
    return RomaThinker(
        backbone=thinker.backbone,
        tokenizer=thinker.tokenizer,
        features=thinker.features,
        config=thinker.config,
        speak_head=thinker.speak_head,
        onnx_overrides=OnnxOverrides(vision=OnnxVision(path)),
    )


@pytest.mark.slow
def test_frames_of_a_size_that_never_fits_are_refused_before_a_unit(
    thinker: RomaThinker, clip: Path, tmp_path: Path
) -> None:
    rows, columns = thinker.features.grid(64, 96)
    fitting = bundle_for(thinker, tmp_path / "fitting.onnx", rows, columns)
    with Playback(open_clip(clip), fitting, config=CONFIG, fast=True) as playback:
        assert sum(map(len, playback)) == 4  # the stream's start, and three p(speak)
    other = bundle_for(thinker, tmp_path / "other.onnx", rows, columns + 2)
    for fast in (True, False):
        events: list[Event] = []
        with (
            Playback(open_clip(clip), other, config=CONFIG, fast=fast) as playback,
            pytest.raises(UsageError, match="frames of 96 x 64 pixels do not fit this model"),
        ):
            events.extend(itertools.chain.from_iterable(playback))
        assert events == []


def test_warnings_are_those_of_watches_and_questions(thinker: RomaThinker, clip: Path) -> None:
    dog = Watch(id="dog", kind=WatchKind.ALERT, instruction="a dog barks", threshold=0.9)
    questions = [TimedQuestion("what do you hear now?", 1), TimedQuestion("who is it?", 2)]
    with Playback(
        open_clip(clip), thinker, watches=[dog], questions=questions, config=CONFIG, fast=True
    ) as playback:
        first, second = playback.warnings
    assert first.startswith("dog: roma_tiny knows no 'dog' or 'barks'; it knows")
    assert second.startswith("question 'who is it?': 'who is it?' names nothing that roma_tiny")
