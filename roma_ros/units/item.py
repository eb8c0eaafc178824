"""An item of a stream: a frame or a chunk of audio."""

from typing import TypeAlias

from roma_ros.units.audio import AudioChunk
from roma_ros.units.frame import Frame

__all__ = ["Item", "end_of"]

Item: TypeAlias = Frame | AudioChunk
"""Input of `UnitAssembler.add`, and output of sources."""


def end_of(item: Item) -> int:
    """Return the stamp at which an item ends, ns: for a frame its own stamp."""
    return item.end if isinstance(item, AudioChunk) else item.stamp
