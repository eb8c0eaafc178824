"""Several recordings, played one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from roma_ros.sources.errors import SourceError
from roma_ros.sources.source import Item, Source
from roma_ros.sources.source_group import SourceGroup

__all__ = ["Playlist"]


class Playlist(SourceGroup):
    """Recordings one after another, each a stream of its own with its own stamps.

    Iterate over each of `parts`: stamps start again with each of them.

    Args:
        sources: recordings, in the order in which they are played.

    Raises:
        SourceError: there is none, or one of them is live and never ends.
    """

    live: ClassVar[bool] = False

    def __init__(self, sources: Sequence[Source]) -> None:
        if not sources or any(source.live for source in sources):
            raise SourceError(
                "a camera, a microphone or a live stream cannot be played after a file; give "
                "files alone, or devices alone"
            )
        super().__init__(sources)

    @property
    def parts(self) -> Sequence[Source]:
        return self._sources

    def __iter__(self) -> Iterator[Item]:
        for source in self._sources:
            yield from source
