"""Assembler: frames and audio chunks in, one-second units out. It never reads a clock."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from roma_ros.units.audio import AudioChunk
from roma_ros.units.audio_timeline import MAX_DRIFT, AudioTimeline
from roma_ros.units.clock_alignment import AlignedItem, ClockAlignment, SensorClockStatus
from roma_ros.units.config import DEFAULT_LATENESS, UNCONFIRMED_STEP, AssemblerConfig
from roma_ros.units.errors import ModalityError, StampError
from roma_ros.units.item import Item, end_of
from roma_ros.units.lateness import MARGIN, Lateness
from roma_ros.units.resampler import REACH
from roma_ros.units.stats import AssemblerStats
from roma_ros.units.stream_clock import Modality, StampVerdict, StreamClock
from roma_ros.units.unit import NS_PER_SECOND, UNIT_RATE, MultimodalUnit, VideoFill
from roma_ros.units.video_timeline import VideoTimeline

__all__ = ["UnitAssembler"]

LOOKAHEAD = (REACH + UNIT_RATE // 1000) * NS_PER_SECOND // UNIT_RATE
"""Audio needed beyond a unit's end to resample up to it, ns: 10 ms, and 1 ms for rounding."""
MIN_TAIL = NS_PER_SECOND // 10
"""Shortest rest at the end of a stream that makes a unit, ns: tracks seldom end together."""
MAX_OPEN = 4 * NS_PER_SECOND
"""Items that are older than the newest by more than this are assembled without `units()`, ns."""
MAX_CLOSED_UNITS = 16  # that wait to be fetched
MAX_NOTICES = 16
OLDEST_FIRST = 30 * NS_PER_SECOND
"""Largest age of a modality's first aligned item relative to all others, ns."""


class UnitAssembler:
    """Assembler of one-second units from items that arrive jittered, late and out of order.

    Unit k covers [t0 + k, t0 + k + 1) s, where t0 is the first stamp. It is closed when no item
    that is in time can change it any more: when both modalities have reached its end, or one of
    them has passed it by the lateness. Without items no unit is closed.

    Where items are added with their time of arrival, the stamps of two sensors that cannot be of
    one clock are aligned (docs/sensors.md); the stamp of a unit is then by the sensor whose stamps
    are not shifted.

    Call `units()` after every item or few items. Not thread-safe.

    Args:
        config: settings; `None`: the defaults.

    Attributes:
        config: the settings at present.
        stats: counters since the assembler was created.
    """

    def __init__(self, config: AssemblerConfig | None = None) -> None:
        self.config = config or AssemblerConfig()
        self.stats = AssemblerStats()
        self._knows_arrival = False
        self._lateness = Lateness(self._fixed_lateness, _ns(self.config.max_lateness))
        self._alignment = ClockAlignment(
            mode=self.config.clock_alignment,
            longest=_ns(self.config.max_lateness),
            stats=self.stats,
        )
        self._closed: deque[MultimodalUnit] = deque()
        self._stream = 0
        self._notices: deque[str] = deque(maxlen=MAX_NOTICES)
        self._previous_newest: int | None = None  # newest stamp of the stream before a jump
        self._absent: frozenset[Modality] = frozenset()
        self._begin()

    def _begin(self) -> None:
        """Set up an empty stream."""
        max_backward = _ns(self.config.max_backward)
        fixed = self._fixed_lateness
        self._lateness.restart()
        self._clock = StreamClock(
            lateness=max_backward if fixed is None else fixed,
            settled=MARGIN if fixed is None else fixed,
            max_backward=max_backward,
            max_gap=_ns(self.config.max_gap),
            unconfirmed_step=_ns(UNCONFIRMED_STEP),
        )
        self._index = 0  # of the open unit
        self._video = VideoTimeline(
            hold=_ns(self.config.hold),
            lateness=self._lateness.reorder(Modality.VIDEO),
            stats=self.stats,
        )
        self._audio = AudioTimeline(self.stats)
        self._suspect: tuple[Modality, Item] | None = None  # jumped, not confirmed
        self._node_clock: int | None = None  # newest time of arrival by the node's clock
        self._video_missed = 0  # later frames were not missed by a unit
        self._ahead = 0  # how far the units' stamps are in the future

    def add(self, item: Item, *, arrival: int | None = None, clock: int | None = None) -> None:
        """Take a frame or a chunk of audio. Frames stay undecoded until a unit needs them.

        Args:
            item: a frame or an audio chunk; its stamp is in ns on the sensor clock.
            arrival: time of arrival by a clock that never jumps, such as `time.monotonic_ns()`, ns;
                `None`: not known, and the stamp is used as it is.
            clock: time of arrival by the clock that stamps should be of (the system's or ROS
                time), ns; `None`: not known.

        Raises:
            ModalityError: the config leaves this modality out (video=False or audio=False).
            StampError: the stamp is negative, or was never set.
        """
        if isinstance(item, AudioChunk):
            if not self.config.audio:
                raise ModalityError(
                    "the item is audio; expected frames only, since the config has audio=False"
                )
            self.stats.audio_in += 1
            self._route(Modality.AUDIO, item, arrival, clock)
        else:
            if not self.config.video:
                raise ModalityError(
                    "the item is a frame; expected audio only, since the config has video=False"
                )
            self.stats.frames_in += 1
            self._route(Modality.VIDEO, item, arrival, clock)

    def set_absent(self, modalities: Iterable[Modality]) -> None:
        """Set the modalities of which no items will come until this is called again.

        Units do not wait for them: they get silence, and black frames from the first unit on that
        has no frame of its own. The setting stays after a `reset`.

        Args:
            modalities: those that are absent; empty: none.
        """
        self._absent = frozenset(modalities)

    def units(self) -> list[MultimodalUnit]:
        """Return the units closed since the last call, oldest first.

        Their frames are decoded here. At most 16 units wait to be fetched; older ones are dropped
        and counted.
        """
        while self._is_ready():
            self._close()
        fetched = list(self._closed)
        self._closed.clear()
        return fetched

    def flush(self) -> list[MultimodalUnit]:
        """End the stream, and return all its units that were not fetched, the last one padded.

        A rest of less than 0.1 s makes no unit. Items that are added later begin a new stream.
        """
        for aligned in self._alignment.flush():
            self._add_aligned(aligned)
        if self._suspect is not None and self._clock.is_short_gap(self._suspect[1].stamp):
            self._accept(*self._suspect)  # the last item of all, after a pause
            self._suspect = None
        self._finish()
        units = self.units()
        self.reset()
        return units

    def reset(self) -> None:
        """End the stream, and drop its units that were not fetched."""
        self._closed.clear()
        self._alignment.forget_held()
        self._stream += self._clock.newest is not None
        self._previous_newest = None
        self._begin()

    def set_lateness(self, lateness: float | Literal["auto"]) -> None:
        """Change `AssemblerConfig.lateness` during a stream.

        Args:
            lateness: 0 to 5 s, or "auto".

        Raises:
            AssemblerConfigError: it is out of range.
        """
        back = self.config.max_backward
        if lateness != "auto":
            back = max(back, lateness)
        self.config = replace(self.config, lateness=lateness, max_backward=back)
        self._apply_lateness()

    def _apply_lateness(self) -> None:
        fixed, back = self._fixed_lateness, _ns(self.config.max_backward)
        self._lateness.configure(fixed, _ns(self.config.max_lateness))
        self._clock.set_lateness(back if fixed is None else fixed, max_backward=back)

    @property
    def _fixed_lateness(self) -> int | None:
        """Fixed lateness, ns; None: it is measured."""
        lateness = self.config.lateness
        if lateness == "auto" or (lateness is None and self._knows_arrival):
            return None
        return _ns(DEFAULT_LATENESS if lateness is None else lateness)

    def notices(self) -> list[str]:
        """Return log messages about stamps since the last call, oldest first."""
        notices = [*self._alignment.notices(), *self._notices]
        self._notices.clear()
        return notices

    def sensor_clocks(self) -> list[SensorClockStatus]:
        """Return the state of each sensor's stamps, and how long units wait for it."""
        return [
            self._alignment.status(modality, self._wait(modality) / NS_PER_SECOND)
            for modality, used in (
                (Modality.VIDEO, self.config.video),
                (Modality.AUDIO, self.config.audio),
            )
            if used
        ]

    @property
    def _start(self) -> int:
        """Stamp at which the open unit starts, ns."""
        return self._clock.start + self._index * NS_PER_SECOND

    # Adding items

    def _route(
        self, modality: Modality, item: Item, arrival: int | None, clock: int | None
    ) -> None:
        if arrival is not None and not self._knows_arrival:
            self._knows_arrival = True
            self._apply_lateness()
        if arrival is None or self.config.clock_alignment == "stamps":
            self._add(modality, item)
            return
        for aligned in self._alignment.add(modality, item, arrival, clock):
            self._add_aligned(aligned)

    def _add_aligned(self, aligned: AlignedItem) -> None:
        """Add an item whose jumps, if any, were decided by the alignment."""
        modality, item = aligned.modality, aligned.item
        if aligned.restart:
            self._restart_stream(item.stamp)
        try:
            verdict = self._clock.judge(modality, item.stamp)
        except StampError:
            self.stats.stamps_bad += 1
            raise
        if aligned.out_of_order and verdict is StampVerdict.JUMP:
            verdict = StampVerdict.IN_TIME if self._lateness.is_measured else StampVerdict.LATE
        if verdict is StampVerdict.LATE:
            self._count_late(modality)
            return
        if verdict is StampVerdict.JUMP and self._is_elsewhere(modality, item.stamp):
            self._restart_stream(item.stamp)
        self._observe(modality, item, waited=aligned.waited)
        if aligned.clock is not None:
            self._node_clock = max(self._node_clock or 0, aligned.clock)
        self._accept(modality, item)

    def _is_elsewhere(self, modality: Modality, stamp: int) -> bool:
        """Return whether an item that has jumped is too far away to belong to the same stream.

        The first item of a sensor is not, if it is only old: long chunks begin long before they
        arrive.
        """
        if self._clock.is_short_gap(stamp):
            return False
        first, newest = self._clock.newest_of(modality) is None, self._clock.newest
        return newest is None or not first or not newest - OLDEST_FIRST <= stamp <= newest

    def _observe(self, modality: Modality, item: Item, *, waited: bool = False) -> None:
        """Measure how late an item is."""
        self._lateness.observe(
            modality,
            stamp=item.stamp,
            end=end_of(item),
            newest=self._clock.newest,
            own=self._clock.newest_of(modality),
            waited=waited,
        )
        self._video.lateness = self._lateness.reorder(Modality.VIDEO)

    def _restart_stream(self, stamp: int) -> None:
        """Start a new stream; one without a unit so far is restarted in its place."""
        if not self._index:
            self._begin()
            return
        newest = self._clock.newest
        self._start_new_stream()
        if newest is not None:
            self._notices.append(
                f"a new stream begins: stamps jumped from {newest / NS_PER_SECOND:.3f} s to "
                f"{stamp / NS_PER_SECOND:.3f} s"
            )

    def _start_new_stream(self) -> None:
        if self._clock.newest is None:
            return
        self._finish()
        self._previous_newest = self._clock.newest
        self._stream += 1
        self.stats.new_streams += 1
        self._begin()

    def _add(self, modality: Modality, item: Item) -> None:
        try:
            verdict = self._clock.judge(modality, item.stamp)
        except StampError:
            self.stats.stamps_bad += 1
            raise
        if verdict is StampVerdict.JUMP:
            self._judge_jump(modality, item)
            return
        self._observe(modality, item)
        if verdict is StampVerdict.LATE:
            self._count_late(modality)
        else:
            self._accept(modality, item)
        if self._suspect is not None:
            self._resolve_suspect(*self._suspect)

    def _resolve_suspect(self, modality: Modality, suspect: Item) -> None:
        """Use or drop the suspect, after the stream went on where it was before."""
        self._suspect = None
        if self._clock.judge(modality, suspect.stamp) is StampVerdict.IN_TIME:
            self._accept(modality, suspect)
        else:
            self.stats.stamps_bad += 1

    def _judge_jump(self, modality: Modality, item: Item) -> None:
        """Accept a jump only if two items in a row agree: one wrong stamp ends no stream."""
        max_backward, max_gap = _ns(self.config.max_backward), _ns(self.config.max_gap)
        if (
            self._previous_newest is not None
            and abs(item.stamp - self._previous_newest) <= max_backward
        ):
            self._count_late(modality)  # a late item of the stream before
            return
        suspect, self._suspect = self._suspect, (modality, item)
        if suspect is None:
            return
        if abs(item.stamp - suspect[1].stamp) > max_gap:
            self.stats.stamps_bad += 1
            return
        self._suspect = None
        if not self._clock.is_short_gap(min(item.stamp, suspect[1].stamp)):
            self._start_new_stream()
        self._accept(*suspect)
        self._accept(modality, item)

    def _accept(self, modality: Modality, item: Item) -> None:
        self._clock.accept(modality, item.stamp, end_of(item))
        if isinstance(item, AudioChunk):
            if self._clock.started and item.end <= self._start:
                self._count_late(modality)
            else:
                self._audio.add(item)
        elif self._clock.started and item.stamp < self._start - self._lateness.reorder(modality):
            if item.stamp < self._video_missed:
                self._count_late(modality)
        else:
            self._video.add(item, self._start)
        newest = self._clock.newest
        assert newest is not None
        self._audio.settle(self._horizon(newest))
        while newest - self._start > MAX_OPEN and self._is_ready():
            self._close()

    def _horizon(self, newest: int) -> int:
        """Return the stamp before which audio is too late, ns."""
        if not self._lateness.is_measured:
            return newest - self._lateness.reorder(Modality.AUDIO)
        own = self._clock.newest_of(Modality.AUDIO)
        by_time = newest - self._wait(Modality.AUDIO)
        if own is None:
            return by_time
        return max(own - self._lateness.reorder(Modality.AUDIO), by_time)

    def _wait(self, modality: Modality) -> int:
        """Return how far the newest stamp passes a unit's end before it is closed, ns."""
        newest, reach = self._clock.newest, self._clock.reach_of(modality)
        if newest is None:
            return self._lateness.wait(modality)
        return self._lateness.wait(
            modality, newest - (self._clock.start if reach is None else reach)
        )

    def _count_late(self, modality: Modality) -> None:
        if modality is Modality.VIDEO:
            self.stats.frames_late += 1
        else:
            self.stats.audio_late += 1

    # Closing units

    def _is_ready(self) -> bool:
        """Return whether no item that is in time can change the open unit any more."""
        newest, end = self._clock.newest, self._start + NS_PER_SECOND
        if newest is None or not self._clock.started or self._clock.reach < end:
            return False
        if self._alignment.is_undecided:
            return False
        return (self._is_absent(Modality.VIDEO) or self._video_is_ready(newest, end)) and (
            self._is_absent(Modality.AUDIO) or self._audio_is_ready(newest, end)
        )

    def _is_absent(self, modality: Modality) -> bool:
        """Return whether no items of this modality will come."""
        used = self.config.video if modality is Modality.VIDEO else self.config.audio
        return not used or modality in self._absent

    def _video_is_ready(self, newest: int, end: int) -> bool:
        return newest >= end + self._wait(Modality.VIDEO) or self._video.is_settled(self._start)

    def _audio_is_ready(self, newest: int, end: int) -> bool:
        if self._audio.end is not None and self._audio.end >= end + LOOKAHEAD:
            return True
        # Samples are on the timeline up to MAX_DRIFT before their stamps.
        return newest >= end + self._wait(Modality.AUDIO) + LOOKAHEAD + MAX_DRIFT

    def _finish(self) -> None:
        """Close the rest of the stream."""
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
            if not (self._lateness.is_measured and self._video.is_settled(start)):
                self._video_missed = start + NS_PER_SECOND
            frames, fill = self._video.read(start, may_hold=Modality.VIDEO not in self._absent)
        if self.config.audio:
            audio, filled = self._audio.read(self._clock.start, self._index)
        if self._node_clock is not None:
            self._ahead = max(self._ahead, start + NS_PER_SECOND - self._node_clock)
        unit = MultimodalUnit(
            stream=self._stream,
            index=self._index,
            start=start - self._ahead,
            frames=frames,
            audio=audio,
            video_fill=fill,
            audio_filled=filled,
            skew=self._clock.skew,
        )
        self._index += 1
        self._audio.forget(self._clock.start, self._index)
        self._video.forget(self._start)
        self._append(unit)

    def _append(self, unit: MultimodalUnit) -> None:
        self.stats.units += 1
        self.stats.units_video_filled += unit.video_fill is not VideoFill.NONE
        self.stats.units_audio_filled += unit.audio_filled > 0
        self._closed.append(unit)
        if len(self._closed) > MAX_CLOSED_UNITS:
            self._closed.popleft()
            self.stats.units_dropped += 1


def _ns(seconds: float) -> int:
    return round(seconds * NS_PER_SECOND)
