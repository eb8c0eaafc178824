"""Units of an example, for tests of what is rendered."""

from __future__ import annotations

from roma_ros.training.example import StreamExample
from roma_ros.units import MultimodalUnit


def rendered(example: StreamExample) -> list[MultimodalUnit]:
    """Return the units, which have frames and audio instead of extracted features."""
    units = [unit for unit in example.units if isinstance(unit, MultimodalUnit)]
    assert len(units) == len(example.units)
    return units
