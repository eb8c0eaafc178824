"""Base class of sources that consist of several others."""

from __future__ import annotations

from collections.abc import Sequence

from roma_ros.sources.source import Source

__all__ = ["SourceGroup"]


class SourceGroup(Source):
    """Base class of `LiveSources` and `Playlist`, which consist of several sources.

    Args:
        sources: at least one.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = tuple(sources)

    @property
    def name(self) -> str:
        return " + ".join(source.name for source in self._sources)

    @property
    def has_video(self) -> bool:
        """Whether at least one of the sources has video."""
        return any(source.has_video for source in self._sources)

    @property
    def has_audio(self) -> bool:
        """Whether at least one of the sources has audio."""
        return any(source.has_audio for source in self._sources)

    @property
    def damaged(self) -> int:
        return sum(source.damaged for source in self._sources)

    def close(self) -> None:
        for source in self._sources:
            source.close()
