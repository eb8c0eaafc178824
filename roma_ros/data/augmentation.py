"""Augmentation of samples in time: speed, frames, jitter, delays and interruptions of the query.

`vary` draws a variation and changes the labels with it; `sample_units` changes the stream.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from roma_ros.data.labels import join_answers, join_windows, positive_units
from roma_ros.data.samples import Sample, SampleAnswer, SampleQuery
from roma_ros.sources import Item, MediaFrame
from roma_ros.task import Task
from roma_ros.units import NS_PER_SECOND, AudioChunk
from roma_ros.units.audio import MIN_RATE

__all__ = ["Augmentation", "FalseStart", "Hold", "Variation", "vary"]

SPEEDS = (0.25, 4.0)
SHARES = (0.2, 0.8)  # of a query that is spoken before it is interrupted
PAUSES = (0.3, 1.5)  # seconds between an interrupted query and the whole one


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """What is varied, and how much. The defaults change nothing.

    Attributes:
        speed: range that the speed is drawn from, 0.25 to 4; sound becomes higher with it. Times of
            labels are divided by it.
        drop_frames: share of the frames that is lost. Labels stay.
        repeat_frames: share of the frames in whose place the one before comes again. Labels stay.
        jitter: standard deviation of the frames' stamps, s, but for the first. Labels stay.
        delay: largest number of seconds by which a spoken query comes later. An instruction comes
            later in the same stream, and what happens before it is not due; before a question, the
            stream is held, and everything after it comes later.
        interrupt: share of the spoken queries that are broken off and begun again. The same is true
            as for a delay.

    Raises:
        ValueError: a value is out of its range; the message names it.
    """

    speed: tuple[float, float] = (1.0, 1.0)
    drop_frames: float = 0.0
    repeat_frames: float = 0.0
    jitter: float = 0.0
    delay: int = 0
    interrupt: float = 0.0

    def __post_init__(self) -> None:
        if not SPEEDS[0] <= self.speed[0] <= self.speed[1] <= SPEEDS[1]:
            raise ValueError(f"speed is {self.speed}; expected a range within {SPEEDS}")
        for name in ("drop_frames", "repeat_frames", "interrupt"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a share from 0 to 1")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter is {self.jitter}; expected seconds from 0 to 1")
        if not 0 <= self.delay <= 60:
            raise ValueError(f"delay is {self.delay}; expected whole seconds from 0 to 60")


@dataclass(frozen=True, slots=True)
class FalseStart:
    """Beginning of a query that is broken off.

    Attributes:
        audio: path of the spoken query.
        onset: start in the stream, s.
        seconds: how much of it is spoken.
    """

    audio: str
    onset: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Units with the last frame and silence, put in before a unit.

    Attributes:
        unit: index of the unit in the stream before any hold.
        count: number of units.
    """

    unit: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """What was drawn for one sample.

    Attributes:
        sample: the sample with its new times.
        augmentation: shares of frames that change.
        seed: seed of the frames that change.
        speed: factor of the speed.
        holds: units that are put in, in order.
        false_starts: queries that are broken off.
    """

    sample: Sample
    augmentation: Augmentation
    seed: tuple[int, ...]
    speed: float = 1.0
    holds: tuple[Hold, ...] = ()
    false_starts: tuple[FalseStart, ...] = ()

    def items(self, items: Iterator[Item]) -> Iterator[Item]:
        """Yield the items of a video with its speed and frames changed, in the order of stamps."""
        changed = self._changed(items)
        margin = round(3 * self.augmentation.jitter * NS_PER_SECOND)
        return _in_order(changed, margin) if margin else changed

    def _changed(self, items: Iterator[Item]) -> Iterator[Item]:
        random = np.random.default_rng(self.seed)
        setting = self.augmentation
        before: MediaFrame | None = None
        reached = 0
        for item in items:
            stamp = round(item.stamp / self.speed)
            if isinstance(item, AudioChunk):
                yield _faster(replace(item, stamp=stamp), self.speed)
                continue
            assert isinstance(item, MediaFrame)
            drop, repeat, shift = random.random(), random.random(), random.standard_normal()
            if before is not None and drop < setting.drop_frames:
                continue
            shown = item
            if before is not None and repeat < setting.repeat_frames:
                shown = before
            else:
                before = item
            if setting.jitter and reached:  # the first frame is where the stream begins
                stamp += round(np.clip(shift, -3, 3) * setting.jitter * NS_PER_SECOND)
                stamp = max(stamp, reached)
            reached = stamp + 1
            yield replace(shown, stamp=stamp)

    def pictures(self, count: int, fps: float) -> list[int]:
        """Return which of a video's frames, given as pictures, are shown one after another."""
        random = np.random.default_rng(self.seed)
        setting = self.augmentation
        shown: list[int] = []
        for number in range(max(round(count / self.speed), 1)):
            time = number / fps + setting.jitter * float(np.clip(random.standard_normal(), -3, 3))
            index = min(max(round(time * self.speed * fps), 0), count - 1)
            lost = random.random() < 1 - (1 - setting.drop_frames) * (1 - setting.repeat_frames)
            shown.append(shown[-1] if shown and lost else index)
        return shown


def vary(sample: Sample, augmentation: Augmentation, seed: int, number: int = 0) -> Variation:
    """Draw a variation of a sample.

    Args:
        sample: the sample.
        augmentation: what is varied.
        seed: seed of the run.
        number: number of the draw, such as the epoch.
    """
    drawn = tuple(sample.id.encode()) or (0,)
    random = np.random.default_rng((seed, number, *drawn))
    slowest, fastest = augmentation.speed
    speed = math.exp(random.uniform(math.log(slowest), math.log(fastest)))
    changed = _at_speed(sample, speed) if speed != 1 else sample
    variation = Variation(
        sample=changed, augmentation=augmentation, seed=(seed, number, 1, *drawn), speed=speed
    )
    for index in range(len(changed.queries)):
        delay = int(random.integers(augmentation.delay + 1))
        broken = random.random() < augmentation.interrupt
        share, pause = random.uniform(*SHARES), random.uniform(*PAUSES)
        if variation.sample.queries[index].audio is not None and (delay or broken):
            variation = _later(variation, index, delay, (share, pause) if broken else None)
    return variation


def _at_speed(sample: Sample, speed: float) -> Sample:
    """Return the sample with the times of its video divided by a speed; speech keeps its length."""
    queries = tuple(replace(query, time=query.time / speed) for query in sample.queries)
    changed = replace(sample, queries=queries)
    if sample.task is Task.ALERT:
        windows = join_windows(
            [(a.unit / speed, (a.unit + 1) / speed) for a in sample.answers if a.unit is not None]
        )
        text = sample.answers[0].text if sample.answers else ""
        units = positive_units(windows)
        untimed = tuple(answer for answer in sample.answers if answer.unit is None)
        answers = tuple(SampleAnswer(text, unit + 1.0) for unit in units)
        return replace(changed, answers=(*untimed, *answers))
    if sample.task is Task.QUESTION:
        return _asked_again(sample, changed)
    return replace(
        changed,
        answers=join_answers(
            answer if answer.time is None else replace(answer, time=answer.time / speed)
            for answer in sample.answers
        ),
    )


def _asked_again(sample: Sample, changed: Sample) -> Sample:
    """Return questions that begin with a unit again, one after another, with their answers."""
    queries: list[SampleQuery] = []
    answers = list(changed.answers)
    reached = 0.0
    for index, query in enumerate(changed.queries):
        within = sample.queries[index].time % 1  # a spoken question begins a little into its unit
        begins = max(math.ceil(query.time - within - 1e-6), reached) + within
        queries.append(replace(query, time=begins))
        reached = float(math.ceil(begins + query.duration - 1e-6))
        if index < len(answers) and answers[index].time is not None:
            answers[index] = replace(answers[index], time=max(reached, 1.0))
    return replace(changed, queries=tuple(queries), answers=tuple(answers))


def _later(
    variation: Variation, index: int, delay: int, broken: tuple[float, float] | None
) -> Variation:
    """Return a variation in which a query comes later, and is broken off before.

    Args:
        variation: the variation so far.
        index: number of the query.
        delay: seconds.
        broken: share that is spoken before, and the pause after it, s; `None`: it is not.
    """
    sample = variation.sample
    query = sample.queries[index]
    assert query.audio is not None
    onset = query.time + delay
    false_starts = variation.false_starts
    begins = onset
    if broken is not None:
        spoken = broken[0] * query.duration
        false_starts = (*false_starts, FalseStart(query.audio, onset, spoken))
        begins = onset + spoken + broken[1]
    if sample.task is not Task.QUESTION:
        queries = list(sample.queries)
        queries[index] = replace(query, time=begins)
        told = begins + query.duration
        due = tuple(a for a in sample.answers if a.time is None or a.time > told)
        changed = replace(sample, queries=tuple(queries), answers=due)
        return replace(variation, sample=changed, false_starts=false_starts)
    count = math.ceil(begins - query.time - 1e-6)
    unit = math.floor(query.time)
    put_in = sum(hold.count for hold in variation.holds)
    hold = Hold(unit - put_in, count)
    queries = [
        each if place < index else replace(each, time=each.time + count)
        for place, each in enumerate(sample.queries)
    ]
    queries[index] = replace(query, time=begins)
    answers = list(sample.answers)
    for place in range(index, len(answers)):
        time = answers[place].time
        if time is not None:
            answers[place] = replace(answers[place], time=time + count)
    if index < len(answers) and answers[index].time is not None:
        answers[index] = replace(
            answers[index], time=float(math.ceil(begins + query.duration - 1e-6))
        )
    changed = replace(sample, queries=tuple(queries), answers=tuple(answers))
    return replace(
        variation,
        sample=changed,
        false_starts=false_starts,
        holds=(*variation.holds, hold),
    )


def _in_order(items: Iterator[Item], margin: int) -> Iterator[Item]:
    """Yield items that come at most `margin` (ns) too early or too late in the order of stamps."""
    waiting: list[tuple[int, int, Item]] = []
    newest = 0
    for number, item in enumerate(items):
        newest = max(newest, item.stamp)
        heapq.heappush(waiting, (item.stamp, number, item))
        while waiting and waiting[0][0] < newest - 2 * margin:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


def _faster(chunk: AudioChunk, speed: float) -> AudioChunk:
    """Return a chunk that is played at another speed."""
    rate = round(chunk.rate * speed)
    if rate >= MIN_RATE or speed == 1:
        return replace(chunk, rate=rate)
    times = math.ceil(MIN_RATE / rate)  # sound of 8 kHz that is slowed down
    return replace(chunk, rate=rate * times, samples=np.repeat(chunk.samples, times, axis=0))


def held_before(holds: tuple[Hold, ...]) -> Iterator[tuple[int, int]]:
    """Yield each unit before which others are put in, and their number."""
    for unit, group in itertools.groupby(holds, key=lambda hold: hold.unit):
        yield unit, sum(hold.count for hold in group)
