"""Frames and audio pieces in, one-second units out. Driven by stamps alone, never by wall time."""

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from .audio import AudioChunk
from .audio_line import MAX_DRIFT, AudioLine
from .config import DOUBT, AssemblerConfig
from .errors import ModalityError, StampError
from .frame import Frame
from .resampler import REACH
from .stats import AssemblerStats
from .stream_clock import Arrival, Modality, StreamClock
from .unit import NS_PER_SECOND, UNIT_RATE, MultimodalUnit, VideoFill
from .video_line import VideoLine

__all__ = ["UnitAssembler"]

LOOKAHEAD = (REACH + UNIT_RATE // 1000) * NS_PER_SECOND // UNIT_RATE
"""Audio needed beyond a unit's end to resample up to it: 11 ms, one of them for roundings."""
MIN_TAIL = NS_PER_SECOND // 10
"""At the end of a stream, less than this is not made a unit: tracks seldom end together."""
MAX_OPEN = 4 * NS_PER_SECOND
"""What is older than the newest item by more than this is made units without being asked for."""
MAX_CLOSED_UNITS = 16

Item: TypeAlias = "Frame | AudioChunk"


class UnitAssembler:
    """Makes units of a stream whose items come jittered, late and out of order.

    Unit k covers [t0 + k, t0 + k + 1) s, where t0 is the first stamp. It closes when nothing that
    is in time can change it any more: when both modalities have come far enough, or when either has
    passed its end by the lateness. While nothing comes at all, nothing closes.

    Call `units()` after every item or few. Not safe for several threads without a lock.
    """

    def __init__(self, config: AssemblerConfig | None = None) -> None:
        self.config = config or AssemblerConfig()
        self.stats = AssemblerStats()
        self._lateness = _ns(self.config.lateness)
        self._closed: deque[MultimodalUnit] = deque()
        self._stream = 0
        self._left_at: int | None = None  # the newest stamp of the stream that a jump ended
        self._absent: frozenset[Modality] = frozenset()
        self._begin()

    def _begin(self) -> None:
        """An empty stream."""
        self._clock = StreamClock(
            lateness=self._lateness,
            max_backward=_ns(self.config.max_backward),
            max_gap=_ns(self.config.max_gap),
            doubt=_ns(DOUBT),
        )
        self._index = 0  # of the unit that is open
        self._video = VideoLine(
            hold=_ns(self.config.hold), lateness=self._lateness, stats=self.stats
        )
        self._audio = AudioLine(self.stats)
        self._suspect: tuple[Modality, Item] | None = None  # jumped, not confirmed so far

    def add_frame(self, frame: Frame) -> None:
        """Takes a frame, undecoded.

        Raises:
            ModalityError: the config has video=False.
            StampError: a negative stamp, or one that was never set.
        """
        if not self.config.video:
            raise ModalityError("got a frame, wanted audio only (the config has video=False)")
        self.stats.frames_in += 1
        self._add(Modality.VIDEO, frame)

    def add_audio(self, chunk: AudioChunk) -> None:
        """Takes a piece of audio.

        Raises:
            ModalityError: the config has audio=False.
            StampError: a negative stamp, or one that was never set.
        """
        if not self.config.audio:
            raise ModalityError("got audio, wanted frames only (the config has audio=False)")
        self.stats.audio_in += 1
        self._add(Modality.AUDIO, chunk)

    def set_absent(self, modalities: Iterable[Modality]) -> None:
        """Name the modalities that do not come until further notice; also across `reset`.

        Units do not wait for them. They are filled like what is lost: silence, and black frames
        from the first unit on that has none of its own.
        """
        self._absent = frozenset(modalities)

    def units(self) -> list[MultimodalUnit]:
        """The units closed since the last call, oldest first. Decodes their frames.

        At most 16 wait to be fetched; older ones are dropped and counted.
        """
        while self._is_ready():
            self._close()
        fetched = list(self._closed)
        self._closed.clear()
        return fetched

    def flush(self) -> list[MultimodalUnit]:
        """Ends the stream: all its units that were not fetched, the last one padded.

        A rest of less than 0.1 s is left out. What is added afterwards is a new stream.
        """
        if self._suspect is not None and self._clock.is_short_gap(self._suspect[1].stamp):
            self._accept(*self._suspect)  # the last item of all, after a pause
            self._suspect = None
        self._finish()
        units = self.units()
        self.reset()
        return units

    def reset(self) -> None:
        """Ends the stream and forgets what was not fetched of it."""
        self._closed.clear()
        self._stream += self._clock.newest is not None
        self._left_at = None
        self._begin()

    @property
    def _start(self) -> int:
        """Of the open unit."""
        return self._clock.start + self._index * NS_PER_SECOND

    # Taking items

    def _add(self, modality: Modality, item: Item) -> None:
        try:
            arrival = self._clock.judge(modality, item.stamp)
        except StampError:
            self.stats.stamps_bad += 1
            raise
        if arrival is Arrival.JUMP:
            self._add_jumped(modality, item)
            return
        if arrival is Arrival.LATE:
            self._count_late(modality)
        else:
            self._accept(modality, item)
        if self._suspect is not None:
            self._acquit(*self._suspect)

    def _acquit(self, modality: Modality, suspect: Item) -> None:
        """The stream goes on where it was: the suspect is its next item, or was wrong."""
        self._suspect = None
        if self._clock.judge(modality, suspect.stamp) is Arrival.IN_TIME:
            self._accept(modality, suspect)
        else:
            self.stats.stamps_bad += 1

    def _add_jumped(self, modality: Modality, item: Item) -> None:
        """Believes a jump only if two items in a row agree: one wild stamp ends no stream."""
        max_backward, max_gap = _ns(self.config.max_backward), _ns(self.config.max_gap)
        if self._left_at is not None and abs(item.stamp - self._left_at) <= max_backward:
            self._count_late(modality)  # a straggler of the stream before
            return
        suspect, self._suspect = self._suspect, (modality, item)
        if suspect is None:
            return
        if abs(item.stamp - suspect[1].stamp) > max_gap:
            self.stats.stamps_bad += 1
            return
        self._suspect = None
        if not self._clock.is_short_gap(min(item.stamp, suspect[1].stamp)):
            self._finish()
            self._left_at = self._clock.newest
            self._stream += 1
            self.stats.new_streams += 1
            self._begin()
        self._accept(*suspect)
        self._accept(modality, item)

    def _accept(self, modality: Modality, item: Item) -> None:
        end = item.end if isinstance(item, AudioChunk) else item.stamp
        self._clock.accept(modality, item.stamp, end)
        if isinstance(item, AudioChunk):
            if self._clock.started and item.end <= self._start:
                self._count_late(modality)
            else:
                self._audio.add(item)
        elif self._clock.started and item.stamp < self._start - self._lateness:
            self._count_late(modality)
        else:
            self._video.add(item, self._start)
        newest = self._clock.newest
        assert newest is not None
        self._audio.settle(newest - self._lateness)
        while newest - self._start > MAX_OPEN and self._is_ready():
            self._close()

    def _count_late(self, modality: Modality) -> None:
        if modality is Modality.VIDEO:
            self.stats.frames_late += 1
        else:
            self.stats.audio_late += 1

    # Closing units

    def _is_ready(self) -> bool:
        """Whether nothing that is in time can change the open unit any more."""
        newest, end = self._clock.newest, self._start + NS_PER_SECOND
        if newest is None or not self._clock.started or self._clock.reach < end:
            return False
        return (self._lacks(Modality.VIDEO) or self._video_is_ready(newest, end)) and (
            self._lacks(Modality.AUDIO) or self._audio_is_ready(newest, end)
        )

    def _lacks(self, modality: Modality) -> bool:
        """Whether none of this modality is to come."""
        used = self.config.video if modality is Modality.VIDEO else self.config.audio
        return not used or modality in self._absent

    def _video_is_ready(self, newest: int, end: int) -> bool:
        return newest >= end + self._lateness or self._video.is_settled(self._start)

    def _audio_is_ready(self, newest: int, end: int) -> bool:
        if self._audio.end is not None and self._audio.end >= end + LOOKAHEAD:
            return True
        # Samples lie on the line up to MAX_DRIFT before their stamps.
        return newest >= end + self._lateness + LOOKAHEAD + MAX_DRIFT

    def _finish(self) -> None:
        """Closes all that is left of the stream."""
        if self._clock.newest is None:
            return
        if self._suspect is not None:
            self.stats.stamps_bad += 1
            self._suspect = None
        self._audio.settle(self._clock.newest)
        while self._clock.reach - self._start >= MIN_TAIL:
            self._close()

    def _close(self) -> None:
        start, fill, filled = self._start, VideoFill.NONE, 0
        frames = audio = None
        if self.config.video:
            frames, fill = self._video.read(start, may_hold=Modality.VIDEO not in self._absent)
        if self.config.audio:
            audio, filled = self._audio.read(self._clock.start, self._index)
        unit = MultimodalUnit(
            stream=self._stream,
            index=self._index,
            start=start,
            frames=frames,
            audio=audio,
            video_fill=fill,
            audio_filled=filled,
            skew=self._clock.skew,
        )
        self._index += 1
        self._audio.forget(self._clock.start, self._index)
        self._video.forget(self._start)
        self._put(unit)

    def _put(self, unit: MultimodalUnit) -> None:
        self.stats.units += 1
        self.stats.units_video_filled += unit.video_fill is not VideoFill.NONE
        self.stats.units_audio_filled += unit.audio_filled > 0
        self._closed.append(unit)
        if len(self._closed) > MAX_CLOSED_UNITS:
            self._closed.popleft()
            self.stats.units_dropped += 1


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_SECOND)
