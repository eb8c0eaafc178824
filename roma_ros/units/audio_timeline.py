"""Audio chunks in any order -> one continuous timeline at 16 kHz.

Stamps of real drivers jitter by some ms and the microphone's clock drifts against them, so
consecutive chunks are joined without a gap as long as their stamps are within a tolerance. Beyond
it there is a gap (silence) or an overlap (trimmed), and the timeline continues at the stamp.

A chunk whose stamp leaves room for another one before it waits until that one would be too late:
the result does not depend on the order of arrival.
"""

from bisect import bisect_left
from collections import deque

import numpy as np

from roma_ros.units.audio import AudioChunk
from roma_ros.units.resampler import AudioRun
from roma_ros.units.stats import AssemblerStats
from roma_ros.units.unit import NS_PER_SECOND, UNIT_RATE

__all__ = ["MAX_DRIFT", "AudioTimeline"]

_MS = NS_PER_SECOND // 1000
MAX_DRIFT = 20 * _MS
"""Distance of stamps from the timeline before it is corrected, ns."""
JITTER_FLOOR, JITTER_CEILING = 7 * _MS, 20 * _MS
"""Stamps may jump by 3/4 of the shortest chunk within these bounds, ns: a loss of 10 ms is seen."""
CLEAR = 1 * _MS
"""Stamps that jump by less leave no room for a chunk in between, ns."""
MAX_WAITING = 1024  # chunks
MAX_WAITING_SECONDS = 20.0


class AudioTimeline:
    """The audio of one stream: chunks in any order in, 16 kHz mono out."""

    def __init__(self, stats: AssemblerStats) -> None:
        self._stats = stats
        self._runs: deque[AudioRun] = deque()
        self._waiting: list[AudioChunk] = []  # by stamp
        self._previous: AudioChunk | None = None  # the last chunk of the timeline
        self._offset = 0.0  # mean of stamp minus timeline, ns
        self._jitter = 0.0  # how far stamps were behind that recently, ns
        self._shortest = 0.0  # recent shortest chunk, ns

    @property
    def end(self) -> int | None:
        """Stamp up to which the audio is final, ns; None before the first chunk."""
        return self._runs[-1].end if self._runs else None

    def add(self, chunk: AudioChunk) -> None:
        """Add a chunk; `settle` appends it to the timeline."""
        at = bisect_left(self._waiting, chunk.stamp, key=lambda waiting: waiting.stamp)
        is_duplicate = at < len(self._waiting) and self._waiting[at].stamp == chunk.stamp
        previous = self._previous
        if is_duplicate or (previous is not None and chunk.stamp == previous.stamp):
            self._stats.audio_overlap += 1
        elif previous is not None and chunk.stamp < previous.stamp:
            self._stats.audio_late += 1  # its time has audio or silence already
        elif self._is_full(chunk):
            self._stats.audio_overflow += 1
        else:
            mono = AudioChunk(chunk.stamp, chunk.rate, chunk.mono())
            self._waiting.insert(at, mono)

    def settle(self, horizon: int) -> None:
        """Append waiting chunks, up to the first one that another may still precede.

        Args:
            horizon: stamp before which chunks would be too late, ns.
        """
        while self._waiting:
            chunk = self._waiting[0]
            if chunk.stamp > horizon and not self._follows_at_once(chunk):
                return
            self._place(self._waiting.pop(0))

    def read(self, start: int, index: int) -> tuple[np.ndarray, int]:
        """Return the audio of one unit.

        Args:
            start: stamp of the first unit of the stream, ns.
            index: index of the unit.

        Returns:
            float32 (16000,) at 16 kHz, zero where there is no audio; and the number of those
            samples.
        """
        low = index * UNIT_RATE
        audio = np.zeros(UNIT_RATE, np.float32)
        missing = np.ones(UNIT_RATE, np.bool_)
        for run in self._runs:
            first, samples = run.read(start, low, low + UNIT_RATE)
            audio[first - low : first - low + len(samples)] = samples
            missing[first - low : first - low + len(samples)] = False
        return audio, int(np.count_nonzero(missing))

    def forget(self, start: int, index: int) -> None:
        """Drop the audio that no unit from `index` on needs."""
        needed_from = start + (index - 1) * NS_PER_SECOND
        while len(self._runs) > 1 and self._runs[0].end < needed_from:
            self._runs.popleft()
        for run in self._runs:
            run.forget(start, index * UNIT_RATE)

    def _is_full(self, chunk: AudioChunk) -> bool:
        seconds = sum(waiting.duration for waiting in self._waiting) + chunk.duration
        return len(self._waiting) >= MAX_WAITING or seconds > MAX_WAITING_SECONDS

    def _jump(self, chunk: AudioChunk) -> float:
        """Return how far a stamp is from the timeline, less the recent mean of that: ns."""
        return chunk.stamp - self._runs[-1].end - self._offset

    def _follows_at_once(self, chunk: AudioChunk) -> bool:
        """Return whether no other chunk fits between the timeline's end and this one."""
        if self._previous is None:
            return False
        room = min(self._shortest / 2, max(CLEAR, 2 * self._jitter))
        return abs(self._jump(chunk)) <= min(room, self._tolerance())

    def _tolerance(self) -> float:
        """Return how far a stamp may jump for its chunk to count as the next one: ns."""
        return min(max(0.75 * self._shortest, JITTER_FLOOR), JITTER_CEILING)

    def _place(self, chunk: AudioChunk) -> None:
        """Append a chunk, with a gap before it or trimmed if need be."""
        duration = chunk.duration * NS_PER_SECOND
        if self._previous is None:
            self._shortest = duration
            self._begin_run(chunk.stamp, chunk)
        else:
            self._place_after(chunk)
            self._shortest = min(duration, 1.02 * self._shortest)  # forget a single short one
        self._previous = chunk

    def _place_after(self, chunk: AudioChunk) -> None:
        end = self._runs[-1].end
        distance, jump = chunk.stamp - end, self._jump(chunk)
        if abs(jump) <= self._tolerance() and abs(distance) <= MAX_DRIFT:
            self._offset += 0.1 * jump
            # Jitter goes both ways; a lost chunk moves stamps only forwards, and must not count.
            self._jitter = max(-jump, 0.99 * self._jitter)
            self._continue(end, chunk)
            return
        self._offset = 0.0
        if distance > 0:
            self._stats.audio_gaps += 1
            self._begin_run(chunk.stamp, chunk)
        else:
            self._stats.audio_overlap += 1
            self._continue(end, chunk, skip=round(-distance * chunk.rate / NS_PER_SECOND))

    def _continue(self, end: int, chunk: AudioChunk, skip: int = 0) -> None:
        if skip >= len(chunk.samples):
            return
        if chunk.rate != self._runs[-1].rate:
            self._begin_run(end, chunk, skip)
        else:
            self._runs[-1].append(chunk.samples[skip:, 0])

    def _begin_run(self, origin: int, chunk: AudioChunk, skip: int = 0) -> None:
        run = AudioRun(origin, chunk.rate)
        run.append(chunk.samples[skip:, 0])
        self._runs.append(run)
