"""Several devices as one source, such as a camera and a microphone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import ClassVar

from roma_ros.sources.errors import SourceError
from roma_ros.sources.mailbox import Mailbox
from roma_ros.sources.source import Item, Source

__all__ = ["LiveSources"]

CAPACITY = 256  # items; some seconds of a camera and a microphone


class LiveSources(Source):
    """Items of all sources as they arrive; their stamps must come from the same clock.

    The iteration ends when every source has ended, or with the first one that fails.

    Raises:
        SourceError: a source is not live; recordings do not wait for one another.
    """

    live: ClassVar[bool] = True

    def __init__(self, sources: Sequence[Source]) -> None:
        if not sources or not all(source.live for source in sources):
            raise SourceError(
                "only cameras, microphones and live streams can be combined; give files alone"
            )
        self._sources = tuple(sources)
        self._arrivals: Mailbox[Item] = Mailbox(CAPACITY)

    @property
    def has_video(self) -> bool:
        return any(source.has_video for source in self._sources)

    @property
    def has_audio(self) -> bool:
        return any(source.has_audio for source in self._sources)

    @property
    def name(self) -> str:
        return " + ".join(source.name for source in self._sources)

    @property
    def damaged(self) -> int:
        return sum(source.damaged for source in self._sources)

    def __iter__(self) -> Iterator[Item]:
        readers = [
            threading.Thread(target=self._read, args=(source,), daemon=True)
            for source in self._sources
        ]
        for reader in readers:
            reader.start()
        threading.Thread(target=self._close_after, args=(readers,), daemon=True).start()
        yield from self._arrivals

    def close(self) -> None:
        for source in self._sources:
            source.close()
        self._arrivals.close()

    def _read(self, source: Source) -> None:
        try:
            for item in source:
                self._arrivals.put(item)
        except Exception as error:  # whatever it is belongs to the thread that iterates
            self._arrivals.close(error)

    def _close_after(self, readers: Sequence[threading.Thread]) -> None:
        for reader in readers:
            reader.join()
        self._arrivals.close()
