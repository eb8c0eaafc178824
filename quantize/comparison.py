"""Comparison of a bundle with its source checkpoint: size, memory, speed and quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from roma_ros.quantize.benchmark import BenchmarkResult
from roma_ros.quantize.errors import QuantizeError
from roma_ros.speed import Spread
from roma_ros.triggers import AlertTrigger
from roma_ros.units import NS_PER_SECOND
from roma_ros.watch import DEFAULT_THRESHOLD, DEFAULT_WINDOW

__all__ = ["BundleComparison", "ModelFigures", "compare", "folder_bytes"]

MODEL_FILES = (".data", ".jinja", ".json", ".onnx", ".safetensors", ".txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """Figures of one model.

    Attributes:
        name: name of its folder.
        disk_bytes: size of its files.
        resident_bytes: main memory of a process that runs it, after the last unit.
        peak_bytes: peak main memory of that process.
        device_bytes: peak GPU memory; 0 without a GPU.
        unit: duration of a unit, ms.
        token: duration of a token, ms; `None` if no token was decoded.
        firings: number of alerts.
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
class BundleComparison:
    """Figures of a bundle and its source on the same streams, and their difference.

    Attributes:
        source: figures of the source checkpoint.
        bundle: figures of the bundle.
        units: number of units that both processed.
        mean_change, max_change: absolute difference of p(speak); `None` without speak heads.
        trigger_agreement: share of the units at which both raised an alert, or neither; `None`
            without speak heads.
        fired_together: number of units at which both raised an alert.
    """

    source: ModelFigures
    bundle: ModelFigures
    units: int
    mean_change: float | None
    max_change: float | None
    trigger_agreement: float | None
    fired_together: int

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON; durations in milliseconds."""
        return asdict(self)


def compare(
    source: tuple[Path, BenchmarkResult], bundle: tuple[Path, BenchmarkResult]
) -> BundleComparison:
    """Compare two benchmark results on the same streams.

    Args:
        source: folder and result of the source checkpoint.
        bundle: folder and result of the bundle.

    Raises:
        QuantizeError: only one of them has a speak head, or the streams differ.
    """
    series = [result.p_speak for _, result in (source, bundle)]
    one, other = (np.array([p for row in rows for p in row]) for rows in series)
    lengths = [[len(row) for row in rows] for rows in series]
    if lengths[0] != lengths[1]:
        raise QuantizeError(
            f"{source[0].name} gave p(speak) for {len(one)} units and {bundle[0].name} for "
            f"{len(other)}; expected the same streams, and a speak head in both or in neither"
        )
    fired = [_fired(rows) for rows in series]
    change = np.abs(one - other)
    return BundleComparison(
        source=_figures(*source, fired[0]),
        bundle=_figures(*bundle, fired[1]),
        units=len(source[1].unit_seconds) + len(lengths[0]),
        mean_change=float(change.mean()) if len(change) else None,
        max_change=float(change.max()) if len(change) else None,
        trigger_agreement=float((fired[0] == fired[1]).mean()) if len(change) else None,
        fired_together=int((fired[0] & fired[1]).sum()),
    )


def folder_bytes(folder: Path) -> int:
    """Return the size of the files of a model folder that a model is read from."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.suffix in MODEL_FILES)


def _figures(folder: Path, result: BenchmarkResult, fired: npt.NDArray[np.bool_]) -> ModelFigures:
    return ModelFigures(
        name=folder.name,
        disk_bytes=folder_bytes(folder),
        resident_bytes=result.resident_bytes,
        peak_bytes=result.peak_bytes,
        device_bytes=result.device_bytes,
        unit=Spread.of(result.unit_seconds),
        token=Spread.of(result.token_seconds) if result.token_seconds else None,
        firings=int(fired.sum()),
    )


def _fired(streams: Sequence[Sequence[float]]) -> npt.NDArray[np.bool_]:
    """Return at which units an alert with the default settings is raised: (units,)."""
    fired: list[bool] = []
    for p_speak in streams:
        trigger = AlertTrigger(DEFAULT_THRESHOLD, DEFAULT_WINDOW)
        fired += [trigger.update(p, n * NS_PER_SECOND) for n, p in enumerate(p_speak, start=1)]
    return np.array(fired, bool)
