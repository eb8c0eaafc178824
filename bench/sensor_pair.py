"""Simulated camera and microphone with given stamps and latencies, and the resulting units.

Every picture and every sample carries the true time at which it was taken, so that the skew of a
unit is measured from its contents. The simulation does not depend on how units are assembled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from roma_ros.units import (
    NS_PER_SECOND,
    UNIT_RATE,
    AssemblerConfig,
    AudioChunk,
    MultimodalUnit,
    RgbFrame,
    UnitAssembler,
    VideoFill,
)

__all__ = ["EPOCH", "Arriving", "Outcome", "SensorPair", "measure"]

EPOCH = 1_700_000_000 * NS_PER_SECOND
"""Unix time at the simulation's beginning."""
BOOT = 5_000 * NS_PER_SECOND
"""The monotonic clock at the simulation's beginning."""
STEPS = 1 << 22
"""Sample number n is coded as float n / STEPS, which float32 holds exactly: 262 s at 16 kHz."""

Item = RgbFrame | AudioChunk


@dataclass(frozen=True, slots=True)
class Arriving:
    """An item with the time of its arrival.

    Attributes:
        time: true time since the beginning, ns.
        arrival: by the monotonic clock, ns.
        clock: by the node's clock, ns.
    """

    time: int
    item: Item

    @property
    def arrival(self) -> int:
        return BOOT + self.time

    @property
    def clock(self) -> int:
        return EPOCH + self.time


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorPair:
    """Camera and microphone with their errors; in seconds unless stated otherwise.

    Attributes:
        camera_offset, microphone_offset: offsets of the stamps.
        camera_latency, microphone_latency: from when a frame or the last sample of a chunk is
            taken until it arrives.
        jitter: up to this much is added to each latency, at random. Items of a sensor stay in
            their order.
        drift: of the camera's stamps, parts per million.
        chunk: length of the audio chunks.
        camera_from, microphone_from: when each sensor begins.
        frozen: the camera's stamp never changes.
        stamped_at_end: audio stamps are the ends of chunks.
    """

    camera_offset: float = 0.0
    microphone_offset: float = 0.0
    camera_latency: float = 0.0
    microphone_latency: float = 0.0
    jitter: float = 0.0
    drift: float = 0.0
    chunk: float = 0.02
    frame_rate: float = 30.0
    camera_from: float = 0.0
    microphone_from: float = 0.0
    seconds: float = 30.0
    frozen: bool = False
    stamped_at_end: bool = False
    seed: int = 0

    def arriving(self) -> list[Arriving]:
        """All items in the order of their arrival."""
        rng = np.random.default_rng(self.seed)
        items = [*self._camera(rng), *self._microphone(rng)]
        return sorted(items, key=lambda arriving: arriving.time)

    def _camera(self, rng: np.random.Generator) -> Iterator[Arriving]:
        last = 0
        for number in range(round((self.seconds - self.camera_from) * self.frame_rate)):
            taken = ns(self.camera_from + number / self.frame_rate)
            stamp = EPOCH + ns(self.camera_offset) + round(taken * (1 + self.drift * 1e-6))
            if self.frozen:
                stamp = EPOCH + ns(self.camera_offset)
            last = max(taken + ns(self.camera_latency + rng.uniform(0, self.jitter)), last + 1)
            yield Arriving(last, RgbFrame(stamp, picture(taken)))

    def _microphone(self, rng: np.random.Generator) -> Iterator[Arriving]:
        size, last = round(self.chunk * UNIT_RATE), 0
        first, end = round(self.microphone_from * UNIT_RATE), round(self.seconds * UNIT_RATE)
        for at in range(first, end - size + 1, size):
            samples = (np.arange(at, at + size) / STEPS).astype(np.float32)
            taken, done = (sample * NS_PER_SECOND // UNIT_RATE for sample in (at, at + size))
            stamp = EPOCH + ns(self.microphone_offset) + (done if self.stamped_at_end else taken)
            last = max(done + ns(self.microphone_latency + rng.uniform(0, self.jitter)), last + 1)
            yield Arriving(last, AudioChunk(stamp, UNIT_RATE, samples))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a pair of sensors, over the units after `settled` seconds.

    Units that are assembled after the end of either sensor do not count.

    Attributes:
        units: number of units.
        expected: expected number of units.
        video_filled, audio_filled: share of units with filled video or audio.
        lost: share of audio chunks that were dropped.
        skew: time of the sound minus time of the picture beside it in seconds, the value farthest
            from zero of all units; NaN if no unit has both.
        delay: longest time from the true end of a unit to its assembly, in seconds.
        streams: stream restarts.
        stats: counters of the assembler as text.
    """

    units: int
    expected: int
    video_filled: float
    audio_filled: float
    lost: float
    skew: float
    delay: float
    streams: int
    stats: str

    @property
    def whole(self) -> bool:
        """Whether no unit is missing or was filled."""
        return self.units >= self.expected and not self.video_filled and not self.audio_filled


def measure(
    pair: SensorPair,
    assembler: UnitAssembler | None = None,
    *,
    settled: float = 10.0,
    clock: bool = True,
) -> Outcome:
    """Run a pair of sensors through an assembler, by default as the node has it.

    Args:
        settled: seconds at the beginning that do not count.
        clock: whether the assembler is given the node's clock.
    """
    assembler = assembler or as_in_node()
    units: list[tuple[int, MultimodalUnit]] = []
    lost_before = chunks = 0
    items = pair.arriving()
    last = {type(arriving.item): arriving.time for arriving in items}
    both_end = min(last.values())
    for arriving in items:
        assembler.add(
            arriving.item, arrival=arriving.arrival, clock=arriving.clock if clock else None
        )
        chunks += isinstance(arriving.item, AudioChunk) and arriving.time > ns(settled)
        units += [(arriving.time, unit) for unit in assembler.units()]
        if arriving.time <= ns(settled):
            lost_before = assembler.stats.audio_late + assembler.stats.stamps_bad
    slack = pair.chunk + max(pair.camera_latency, pair.microphone_latency) + 2 * pair.jitter
    after = [
        (time, unit)
        for time, unit in units
        if time <= both_end and (end_of(unit) or time - ns(slack)) >= ns(settled + 1)
    ]
    late = assembler.stats.audio_late + assembler.stats.stamps_bad - lost_before
    skews = [skew for _, unit in after if (skew := skew_of(unit)) is not None]
    ends = [(time, end) for time, unit in after if (end := end_of(unit)) is not None]
    stats = assembler.stats
    return Outcome(
        units=len(after),
        expected=int(pair.seconds - 2 * slack - settled) - 2,
        video_filled=_share(sum(u.video_fill is not VideoFill.NONE for _, u in after), len(after)),
        audio_filled=_share(sum(u.audio_filled > 0 for _, u in after), len(after)),
        lost=_share(late, chunks),
        skew=max(skews, key=abs) if skews else float("nan"),
        delay=max((time - end for time, end in ends), default=0) / NS_PER_SECOND,
        streams=stats.new_streams,
        stats=f"frames late {stats.frames_late}, twice {stats.frames_duplicate}; "
        f"audio late {stats.audio_late}, gaps {stats.audio_gaps}; bad stamps {stats.stamps_bad}",
    )


def as_in_node() -> UnitAssembler:
    """Return an assembler with the node's defaults."""
    return UnitAssembler(AssemblerConfig(lateness="auto"))


def ns(seconds: float) -> int:
    return round(seconds * NS_PER_SECOND)


def picture(taken: int) -> np.ndarray:
    """Encode a time (ns) as uint8 (1, 2, 3): microseconds, plus one so that none is black."""
    code = taken // 1000 + 1
    return np.frombuffer(code.to_bytes(6, "little"), np.uint8).reshape(1, 2, 3)


def _taken(pixels: np.ndarray) -> int | None:
    code = int.from_bytes(pixels.tobytes(), "little")
    return (code - 1) * 1000 if pixels.size == 6 and code else None


def skew_of(unit: MultimodalUnit) -> float | None:
    """Return the mean of (time of the sound - time of the picture) at both sampling times, s.

    The frame nearest to a moment may be half a frame period from it, to either side.
    """
    if unit.frames is None or unit.audio is None:
        return None
    skews = []
    for pixels, sample in zip(unit.frames, (0, UNIT_RATE // 2), strict=True):
        taken, code = _taken(pixels), float(unit.audio[sample])
        if taken is not None and (code or unit.audio[sample + 1] * STEPS == 1):
            skews.append(round(code * STEPS) / UNIT_RATE - taken / NS_PER_SECOND)
    return float(np.mean(skews)) if skews else None


def end_of(unit: MultimodalUnit) -> int | None:
    """Return the true time of a unit's end by its sound, else by its picture, ns."""
    if unit.audio is not None and (unit.audio[-1] or not unit.audio_filled):
        return (round(float(unit.audio[-1]) * STEPS) + 1) * NS_PER_SECOND // UNIT_RATE
    if unit.frames is not None and unit.video_fill is VideoFill.NONE:
        taken = _taken(unit.frames[0])
        return None if taken is None else taken + NS_PER_SECOND
    return None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
