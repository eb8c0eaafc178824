"""Several recordings, played one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from roma_ros.sources.errors import SourceError
from roma_ros.sources.source import Item, Source

__all__ = ["Playlist"]


class Playlist(Source):
    """Recordings one after another, each a stream of its own with its own stamps.

    Iterate over each of `parts`, since stamps begin anew with each of them.

    Args:
        sources: in the order in which they are played.

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
        self._sources = tuple(sources)

    @property
    def parts(self) -> Sequence[Source]:
        return self._sources

    @property
    def name(self) -> str:
        return " + ".join(source.name for source in self._sources)

    @property
    def has_video(self) -> bool:
        """Whether at least one of the recordings has a picture."""
        return any(source.has_video for source in self._sources)

    @property
    def has_audio(self) -> bool:
        """Whether at least one of the recordings has sound."""
        return any(source.has_audio for source in self._sources)

    @property
    def damaged(self) -> int:
        return sum(source.damaged for source in self._sources)

    def __iter__(self) -> Iterator[Item]:
        for source in self._sources:
            yield from source

    def close(self) -> None:
        for source in self._sources:
            source.close()
