"""Several devices as one source, such as a camera and a microphone."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import ClassVar

from roma_ros.sources.bounded_queue import BoundedQueue
from roma_ros.sources.errors import SourceError
from roma_ros.sources.source import Item, Source
from roma_ros.sources.source_group import SourceGroup

__all__ = ["LiveSources"]

CAPACITY = 256  # items; some seconds of a camera and a microphone


class LiveSources(SourceGroup):
    """Live sources merged into one, item by item as they arrive.

    The iteration ends when every source has ended, or with the first one that fails.

    Args:
        sources: cameras, microphones and live streams whose stamps come from the same clock.

    Raises:
        SourceError: a source is not live, or there is none.
    """

    live: ClassVar[bool] = True

    def __init__(self, sources: Sequence[Source]) -> None:
        if not sources or not all(source.live for source in sources):
            raise SourceError(
                "only cameras, microphones and live streams can be combined; give files alone"
            )
        super().__init__(sources)
        self._queue: BoundedQueue[Item] = BoundedQueue(CAPACITY)

    def __iter__(self) -> Iterator[Item]:
        readers = [
            threading.Thread(target=self._read, args=(source,), daemon=True)
            for source in self._sources
        ]
        for reader in readers:
            reader.start()
        threading.Thread(target=self._close_after, args=(readers,), daemon=True).start()
        yield from self._queue

    def close(self) -> None:
        super().close()
        self._queue.close()

    def _read(self, source: Source) -> None:
        try:
            for item in source:
                self._queue.put(item)
        except Exception as error:  # raised again in the thread that iterates
            self._queue.close(error)

    def _close_after(self, readers: Sequence[threading.Thread]) -> None:
        for reader in readers:
            reader.join()
        self._queue.close()
