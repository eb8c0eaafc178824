"""Sources, made into units: one stream or more, and what of which source each second is."""

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
    """One of the sources that are played one after another.

    Attributes:
        source: of it.
        stream: number of its first stream.
        offset: seconds of the run before it.
        origin: stamp of its beginning, ns; `None` until it has made a unit.
        end: stamp of the end of its last unit, ns.
        units: how many it has made.
        length: from the stamp of its first item to the end of its last so far, ns; -1 before any.
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
        """A stamp of its own, counted from its beginning."""
        return max(0, stamp - self.origin) / NS if self.origin is not None else 0.0


class SourceUnits:
    """The units of a source, or of several one after another, each a stream of its own.

    Recordings are read at their own pace unless `fast`. Of several sources, one that fails is told
    and passed over.

    Args:
        source: to be read.
        fast: as fast as units are taken.
        check_frame: called with the frames of each source until it returns true; what it raises
            ends the iteration.

    Attributes:
        filled: units of which picture or sound was missing and had to be filled, besides those at
            a source's end.
        unheard: of sources that were read to their end, those that made no unit: a line each.
    """

    def __init__(
        self, source: Source, *, fast: bool, check_frame: Callable[[Frame], bool] = lambda _: True
    ) -> None:
        self.filled = 0
        self._check_frame = check_frame
        self.unheard: list[str] = []
        self._source = source
        self._fast = fast
        self._ending = threading.Event()
        self._parts: list[_Part] = []
        self._stream = -1  # of the last unit made

    def __iter__(self) -> Iterator[MultimodalUnit]:
        """Units, numbered by stream and index. Once only.

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
                self.unheard.append(f"{source.name}: it made not one unit, so it was not judged")

    def close(self) -> None:
        """End the iteration soon; for any thread."""
        self._ending.set()
        self._source.close()

    @property
    def reached(self) -> float:
        """Seconds of the run, up to the end of the last unit made."""
        if not self._parts:
            return 0.0
        part = self._parts[-1]
        return part.offset + part.seconds(part.end)

    def seconds(self, stream: int, stamp: int) -> float:
        """A stamp (ns) of a stream, counted from the run's beginning."""
        part = self._part_of(stream)
        return 0.0 if part is None else part.offset + part.seconds(stamp)

    def source_time(self, stream: int, stamp: int) -> SourceTime | None:
        """In which source a stamp (ns) is, and when in it; `None` if there is only one source."""
        part = self._part_of(stream)
        if part is None or len(self._source.parts) == 1:
            return None
        return SourceTime(part.source.name, part.seconds(stamp))

    def _part_of(self, stream: int) -> _Part | None:
        """The source that a stream came from; `None` before the first."""
        return next((part for part in reversed(self._parts) if part.stream <= stream), None)

    def _units_of(self, part: _Part) -> Iterator[MultimodalUnit]:
        for unit in units_of(part.source, self._items_of(part)):
            if self._ending.is_set():
                return
            if not part.is_read:
                self.filled += unit.video_fill is not VideoFill.NONE or unit.audio_filled > 0
            yield self._made(unit, part)
        if part.is_read and 0 <= part.length < NS:
            _tell_short(part)

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

    def _made(self, unit: MultimodalUnit, part: _Part) -> MultimodalUnit:
        """The unit with the number that its stream has in the run."""
        self._stream = part.stream + unit.stream
        part.origin = unit.start if part.origin is None else part.origin
        part.end = unit.end
        part.units += 1
        return replace(unit, stream=self._stream)


def _tell_short(part: _Part) -> None:
    seconds = f"{part.length / NS:.2f} s"
    if part.units:
        LOG.warning(
            "%s lasts %s, less than the second of a unit; the rest was filled with silence and "
            "its last picture",
            part.source.name,
            seconds,
        )
    else:
        LOG.warning(
            "%s lasts %s, too short for a unit; expected 0.1 s or more", part.source.name, seconds
        )
