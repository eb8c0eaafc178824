"""Assembly of a source's items into units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from roma_ros.sources.source import Item, Source
from roma_ros.units import AssemblerConfig, MultimodalUnit, UnitAssembler, UnitsError

__all__ = ["units_of"]


def units_of(source: Source, items: Iterable[Item] | None = None) -> Iterator[MultimodalUnit]:
    """Read a source and assemble its frames and audio into units of one second.

    The last unit is padded; a rest of less than 0.1 s is left out. Items with a stamp that cannot
    be used are left out as well.

    Args:
        source: source to read, whose modalities are those of the units. It is not closed.
        items: the items of the source, if they are to come in another way than by iterating over
            it, such as `paced(source)`; `None`: the source itself.

    Yields:
        Units, oldest first, each as soon as no item that is in time can change it.

    Raises:
        SourceError: the device fails, or nothing of the file can be decoded.
    """
    assembler = UnitAssembler(AssemblerConfig(video=source.has_video, audio=source.has_audio))
    for item in source if items is None else items:
        try:
            assembler.add(item)
        except UnitsError:  # counted by the assembler
            continue
        yield from assembler.units()
    yield from assembler.flush()
