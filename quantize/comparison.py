"""A bundle beside its source: what the recipe saves, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from roma_ros.quantize.benchmark import Followed
from roma_ros.quantize.errors import QuantizeError
from roma_ros.speed import Spread
from roma_ros.triggers import AlertTrigger
from roma_ros.units import NS_PER_SECOND
from roma_ros.watch import DEFAULT_THRESHOLD, DEFAULT_WINDOW

__all__ = ["Comparison", "Side", "compare", "folder_bytes"]

MODEL_FILES = (".data", ".jinja", ".json", ".onnx", ".safetensors", ".txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two.

    Attributes:
        name: of its folder.
        disk_bytes: of its files.
        resident_bytes, peak_bytes: of a process that runs it, after its units and at most.
        device_bytes: at most, in the GPU's memory; 0 without one.
        unit, token: durations; `None` if there was no token to time.
        firings: how often the alert went off.
    """

    name: str
    disk_bytes: int
    resident_bytes: int
    peak_bytes: int
    device_bytes: int
    unit: Spread
    token: Spread | None
    firings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both, and how far apart they are.

    Attributes:
        source, bundle: the two.
        units: that both have seen and heard.
        mean_change, max_change: of p(speak), absolute; `None` where nothing decides.
        trigger_agreement: share of the units after which both alerts went off, or neither.
        fired_together: after how many units both went off.
    """

    source: Side
    bundle: Side
    units: int
    mean_change: float | None
    max_change: float | None
    trigger_agreement: float | None
    fired_together: int

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON; durations in milliseconds."""
        return asdict(self)


def compare(source: tuple[Path, Followed], bundle: tuple[Path, Followed]) -> Comparison:
    """Compare what two models have made of the same streams.

    Args:
        source, bundle: folder of each, and what came of its following.

    Raises:
        QuantizeError: only one of them decides when to speak, or they saw different streams.
    """
    series = [followed.p_speak for _, followed in (source, bundle)]
    one, other = (np.array([p for row in rows for p in row]) for rows in series)
    lengths = [[len(row) for row in rows] for rows in series]
    if lengths[0] != lengths[1]:
        raise QuantizeError(
            f"{source[0].name} gave p(speak) for {len(one)} units and {bundle[0].name} for "
            f"{len(other)}; expected the same streams, and a speak head in both or in neither"
        )
    fired = [_fired(rows) for rows in series]
    change = np.abs(one - other)
    return Comparison(
        source=_side(*source, fired[0]),
        bundle=_side(*bundle, fired[1]),
        units=len(source[1].unit_seconds) + len(lengths[0]),
        mean_change=float(change.mean()) if len(change) else None,
        max_change=float(change.max()) if len(change) else None,
        trigger_agreement=float((fired[0] == fired[1]).mean()) if len(change) else None,
        fired_together=int((fired[0] & fired[1]).sum()),
    )


def folder_bytes(folder: Path) -> int:
    """Of a model folder's files that a model is read from."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix in MODEL_FILES)


def _side(folder: Path, followed: Followed, fired: npt.NDArray[np.bool_]) -> Side:
    return Side(
        name=folder.name,
        disk_bytes=folder_bytes(folder),
        resident_bytes=followed.resident_bytes,
        peak_bytes=followed.peak_bytes,
        device_bytes=followed.device_bytes,
        unit=Spread.of(followed.unit_seconds),
        token=Spread.of(followed.token_seconds) if followed.token_seconds else None,
        firings=int(fired.sum()),
    )


def _fired(streams: Sequence[Sequence[float]]) -> npt.NDArray[np.bool_]:
    """After which units an alert with the default settings goes off: (units,)."""
    fired: list[bool] = []
    for p_speak in streams:
        trigger = AlertTrigger(DEFAULT_THRESHOLD, DEFAULT_WINDOW)
        fired += [trigger.update(p, n * NS_PER_SECOND) for n, p in enumerate(p_speak, start=1)]
    return np.array(fired, bool)
