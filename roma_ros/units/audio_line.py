"""Pieces of audio put in order on one line of time.

Stamps of real drivers tremble by some ms and the microphone's clock drifts against them, so pieces
that follow one another are joined whatever their stamps say, within a tolerance. Beyond it there is
a gap (left silent) or an overlap (trimmed), and the line goes on exactly at the stamp.

A piece whose stamp leaves room for another before it waits until that other would be too late;
thus the line is the same in whatever order its pieces arrive.
"""

from bisect import bisect_left
from collections import deque

import numpy as np

from roma_ros.units.audio import AudioChunk
from roma_ros.units.resampler import AudioRun
from roma_ros.units.stats import AssemblerStats
from roma_ros.units.unit import NS_PER_SECOND, UNIT_RATE

__all__ = ["MAX_DRIFT", "AudioLine"]

_MS = NS_PER_SECOND // 1000
MAX_DRIFT = 20 * _MS
"""Stamps may be this far from the line before it is corrected."""
JITTER_FLOOR, JITTER_CEILING = 7 * _MS, 20 * _MS
"""Stamps may jump by 3/4 of the shortest piece, within these bounds: a loss of 10 ms is seen."""
CLEAR = 1 * _MS
"""Stamps that jump by less leave no room for a piece in between."""
MAX_WAITING = 1024
MAX_WAITING_SECONDS = 20.0


class AudioLine:
    """The audio of one stream: takes pieces in any order, gives 16 kHz mono."""

    def __init__(self, stats: AssemblerStats) -> None:
        self._stats = stats
        self._runs: deque[AudioRun] = deque()
        self._waiting: list[AudioChunk] = []  # by stamp
        self._previous: AudioChunk | None = None  # the last piece on the line
        self._offset = 0.0  # how far stamps are ahead of the line on average, ns
        self._tremble = 0.0  # how far single stamps have been behind that of late, ns
        self._smallest = 0.0  # the shortest piece of late, ns

    @property
    def end(self) -> int | None:
        """Up to where the audio is settled: a stamp, or None before the first piece."""
        return self._runs[-1].end if self._runs else None

    def add(self, piece: AudioChunk) -> None:
        """Takes a piece; it gets its place when `settle` is sure of it."""
        at = bisect_left(self._waiting, piece.stamp, key=lambda waiting: waiting.stamp)
        twin = at < len(self._waiting) and self._waiting[at].stamp == piece.stamp
        previous = self._previous
        if twin or (previous is not None and piece.stamp == previous.stamp):
            self._stats.audio_overlap += 1
        elif previous is not None and piece.stamp < previous.stamp:
            self._stats.audio_late += 1  # its place is taken, by other audio or by silence
        elif self._is_full(piece):
            self._stats.audio_overflow += 1
        else:
            mono = AudioChunk(piece.stamp, piece.rate, piece.mono())
            self._waiting.insert(at, mono)

    def settle(self, horizon: int) -> None:
        """Puts waiting pieces on the line, up to the first that another may still precede.

        Args:
            horizon: a stamp; earlier pieces than this would be too late, ns.
        """
        while self._waiting:
            piece = self._waiting[0]
            if piece.stamp > horizon and not self._follows_at_once(piece):
                return
            self._place(self._waiting.pop(0))

    def read(self, start: int, index: int) -> tuple[np.ndarray, int]:
        """One unit of audio.

        Args:
            start: stamp of the first unit of the stream, ns.
            index: of the unit.

        Returns:
            float32 (16000,), silent where there is no audio, and how many samples that is.
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
        """Drops what no unit from `index` on needs."""
        needed_from = start + (index - 1) * NS_PER_SECOND
        while len(self._runs) > 1 and self._runs[0].end < needed_from:
            self._runs.popleft()
        for run in self._runs:
            run.forget(start, index * UNIT_RATE)

    def _is_full(self, piece: AudioChunk) -> bool:
        seconds = sum(waiting.duration for waiting in self._waiting) + piece.duration
        return len(self._waiting) >= MAX_WAITING or seconds > MAX_WAITING_SECONDS

    def _jump(self, piece: AudioChunk) -> float:
        """How much further the stamp is from the line than stamps have been of late: ns."""
        return piece.stamp - self._runs[-1].end - self._offset

    def _follows_at_once(self, piece: AudioChunk) -> bool:
        """Whether no other piece fits between the line's end and this one."""
        if self._previous is None:
            return False
        room = min(self._smallest / 2, max(CLEAR, 2 * self._tremble))
        return abs(self._jump(piece)) <= min(room, self._tolerance())

    def _tolerance(self) -> float:
        """How far a stamp may jump for its piece to count as the next one: ns."""
        return min(max(0.75 * self._smallest, JITTER_FLOOR), JITTER_CEILING)

    def _place(self, piece: AudioChunk) -> None:
        """Appends a piece to the line, with a gap before it or trimmed if need be."""
        duration = piece.duration * NS_PER_SECOND
        if self._previous is None:
            self._smallest = duration
            self._begin_run(piece.stamp, piece)
        else:
            self._place_after(piece)
            self._smallest = min(duration, 1.02 * self._smallest)  # a runt is forgotten in time
        self._previous = piece

    def _place_after(self, piece: AudioChunk) -> None:
        end = self._runs[-1].end
        distance, jump = piece.stamp - end, self._jump(piece)
        if abs(jump) <= self._tolerance() and abs(distance) <= MAX_DRIFT:
            self._offset += 0.1 * jump
            # Trembling goes both ways; a lost piece only forwards, and must not pass for it.
            self._tremble = max(-jump, 0.99 * self._tremble)
            self._continue(end, piece)
            return
        self._offset = 0.0
        if distance > 0:
            self._stats.audio_gaps += 1
            self._begin_run(piece.stamp, piece)
        else:
            self._stats.audio_overlap += 1
            self._continue(end, piece, skip=round(-distance * piece.rate / NS_PER_SECOND))

    def _continue(self, end: int, piece: AudioChunk, skip: int = 0) -> None:
        if skip >= len(piece.samples):
            return
        if piece.rate != self._runs[-1].rate:
            self._begin_run(end, piece, skip)
        else:
            self._runs[-1].append(piece.samples[skip:, 0])

    def _begin_run(self, origin: int, piece: AudioChunk, skip: int = 0) -> None:
        run = AudioRun(origin, piece.rate)
        run.append(piece.samples[skip:, 0])
        self._runs.append(run)
