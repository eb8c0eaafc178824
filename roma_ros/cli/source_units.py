"""Units of one or more sources, and the source and time of each unit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from roma_ros.cli.source_time import SourceTime
from roma_ros.sources import Item, Source, SourceError, paced, units_of
from roma_ros.units import AudioChunk, Frame, MultimodalUnit, VideoFill
from roma_ros.units.item import end_of

__all__ = ["SourceUnits"]

LOG = logging.getLogger(__name__)
NS = 1_000_000_000


@dataclass(slots=True)
class _Part:
    """State of one of the sources that play one after another.

    Attributes:
        source: the source.
        stream: number of its first stream.
        offset: seconds of the run before it.
        origin: stamp of its beginning, ns; `None` until it has given a unit.
        end: stamp of the end of its last unit, ns.
        units: number of units that it has given.
        length: time from the stamp of its first item to the end of the last one read, ns; -1
            before the first.
        is_read: whether all its items have been read.
    """

    source: Source
    stream: int
    offset: float
    origin: int | None = None
    end: int = 0
    units: int = 0
    length: int = -1
    is_read: bool = False

    def seconds(self, stamp: int) -> float:
        """Return a stamp (ns) as seconds from the source's beginning."""
        return max(0, stamp - self.origin) / NS if self.origin is not None else 0.0


class SourceUnits:
    """Units of a source, or of several one after another, each a stream of its own.

    Recordings are read at their own pace unless `fast`. Of several sources, one that fails is
    logged and skipped.

    Args:
        source: source to read.
        fast: read as fast as the units are taken.
        check_frame: called with the frames of each source until it returns true; an exception
            that it raises ends the iteration.

    Attributes:
        filled: number of units with a gap in video or audio that had to be filled, besides those
            at a source's end.
        empty_sources: one line for each source that was read to its end and gave no unit.
    """

    def __init__(
        self, source: Source, *, fast: bool, check_frame: Callable[[Frame], bool] = lambda _: True
    ) -> None:
        self.filled = 0
        self._check_frame = check_frame
        self.empty_sources: list[str] = []
        self._source = source
        self._fast = fast
        self._ending = threading.Event()
        self._parts: list[_Part] = []
        self._stream = -1  # of the last unit made

    def __iter__(self) -> Iterator[MultimodalUnit]:
        """Yield the units, numbered by stream and index. Once only.

        Raises:
            SourceError: the only source has failed.
        """
        for source in self._source.parts:
            if self._ending.is_set():
                return
            part = _Part(source, self._stream + 1, self.reached)
            self._parts.append(part)
            try:
                yield from self._units_of(part)
            except SourceError as error:
                if len(self._source.parts) == 1:
                    raise
                LOG.warning("%s", error)
            if not (part.units or self._ending.is_set()):
                self.empty_sources.append(f"{source.name} gave no unit, so it was not processed")

    def close(self) -> None:
        """End the iteration soon. Any thread may call it."""
        self._ending.set()
        self._source.close()

    @property
    def reached(self) -> float:
        """Seconds of the run up to the end of the last unit."""
        if not self._parts:
            return 0.0
        part = self._parts[-1]
        return part.offset + part.seconds(part.end)

    def seconds(self, stream: int, stamp: int) -> float:
        """Return a stamp (ns) of a stream as seconds from the run's beginning."""
        part = self._part_of(stream)
        return 0.0 if part is None else part.offset + part.seconds(stamp)

    def source_time(self, stream: int, stamp: int) -> SourceTime | None:
        """Return the source of a stamp (ns) and the time in it; `None` if there is only one."""
        part = self._part_of(stream)
        if part is None or len(self._source.parts) == 1:
            return None
        return SourceTime(part.source.name, part.seconds(stamp))

    def _part_of(self, stream: int) -> _Part | None:
        """Return the source of a stream; `None` before the first."""
        return next((part for part in reversed(self._parts) if part.stream <= stream), None)

    def _units_of(self, part: _Part) -> Iterator[MultimodalUnit]:
        for unit in units_of(part.source, self._items_of(part)):
            if self._ending.is_set():
                return
            if not part.is_read:
                self.filled += unit.video_fill is not VideoFill.NONE or unit.audio_filled > 0
            yield self._numbered(unit, part)
        if part.is_read and 0 <= part.length < NS:
            _warn_short(part)

    def _items_of(self, part: _Part) -> Iterator[Item]:
        source = part.source
        first: int | None = None
        checked = False
        for item in source if source.live or self._fast else paced(source):
            if self._ending.is_set():
                return
            checked = checked or isinstance(item, AudioChunk) or self._check_frame(item)
            first = item.stamp if first is None else first
            part.length = max(part.length, end_of(item) - first)
            yield item
        part.is_read = True

    def _numbered(self, unit: MultimodalUnit, part: _Part) -> MultimodalUnit:
        """Return the unit with the number of its stream in the run."""
        self._stream = part.stream + unit.stream
        part.origin = unit.start if part.origin is None else part.origin
        part.end = unit.end
        part.units += 1
        return replace(unit, stream=self._stream)


def _warn_short(part: _Part) -> None:
    seconds = f"{part.length / NS:.2f} s"
    if part.units:
        LOG.warning(
            "%s lasts %s, less than a unit (1 s); the rest was filled with silence and its last "
            "frame",
            part.source.name,
            seconds,
        )
    else:
        LOG.warning("%s lasts %s; expected at least 0.1 s", part.source.name, seconds)
