"""Base class of all sources of frames and audio."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Sequence
from typing import ClassVar, TypeVar

from roma_ros.units import Item

__all__ = ["Item", "Source"]

AnySource = TypeVar("AnySource", bound="Source")


class Source(abc.ABC):
    """A device, file or stream whose items are read by iterating over it.

    Only one iteration at a time. Use it as a context manager. `close` may be called from another
    thread; the iteration then ends.

    Attributes:
        live: whether items come at their own pace, and are dropped if not read in time; otherwise
            they come as fast as they are read.
    """

    live: ClassVar[bool]

    @property
    def damaged(self) -> int:
        """Number of packets or chunks so far that could not be decoded and were left out."""
        return 0

    @property
    def name(self) -> str:
        """Name for messages, without a password."""
        return type(self).__name__.lower()

    @property
    def parts(self) -> Sequence[Source]:
        """Sources that are read one after another, each a stream of its own."""
        return (self,)

    @property
    @abc.abstractmethod
    def has_video(self) -> bool:
        """Whether it has video."""

    @property
    @abc.abstractmethod
    def has_audio(self) -> bool:
        """Whether it has audio."""

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Item]:
        """Yield frames and audio chunks in the order of their stamps.

        Raises:
            SourceError: the device fails, or nothing of the file can be decoded.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Close the device, file or stream; repeated calls do nothing."""

    def __enter__(self: AnySource) -> AnySource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
