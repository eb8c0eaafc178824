"""What every source of frames and audio has in common."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeVar

from roma_ros.units import Item

__all__ = ["Item", "Source"]

AnySource = TypeVar("AnySource", bound="Source")


class Source(abc.ABC):
    """A device or file that is read by iterating over it, one iteration at a time.

    Use as a context manager. `close` may be called from another thread; the iteration then ends.

    Attributes:
        live: items come at their own pace and what is not taken in time is lost; otherwise they
            come as fast as they are taken.
    """

    live: ClassVar[bool]

    @property
    def damaged(self) -> int:
        """Packets or chunks that could not be decoded and were left out, so far."""
        return 0

    @property
    def name(self) -> str:
        """What it is called, for people; without a password."""
        return type(self).__name__.lower()

    @property
    def parts(self) -> Sequence[Source]:
        """What is followed one after another, each a stream of its own."""
        return (self,)

    @property
    @abc.abstractmethod
    def has_video(self) -> bool:
        """Whether frames are to be expected."""

    @property
    @abc.abstractmethod
    def has_audio(self) -> bool:
        """Whether audio is to be expected."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Item]:
        """Frames and audio chunks in the order of their stamps (ns).

        Raises:
            SourceError: the device fails, or nothing of the file can be decoded.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of the device or file; harmless when repeated."""

    def __enter__(self: AnySource) -> AnySource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
