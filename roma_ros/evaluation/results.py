"""JSON file of an evaluation: figures by section, checkpoint, machine and settings."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from roma_ros.evaluation.provenance import checkpoint_files, checkpoint_hashes, machine
from roma_ros.evaluation.report import Report
from roma_ros.evaluation.stream_protocol import EvalSection
from roma_ros.evaluation.stream_report import StreamReport

__all__ = ["as_results", "write_results"]


def as_results(
    folder: Path,
    streams: StreamReport,
    twenty_seconds: Report | None,
    *,
    workers: int,
    wall_seconds: float,
) -> dict[str, Any]:
    """Return all results of an evaluation.

    Args:
        folder: folder of the checkpoint.
        streams: figures on continuous streams.
        twenty_seconds: figures on 20-s streams; `None` if they were not run.
        workers: number of processes that ran the streams.
        wall_seconds: duration of the run in seconds.
    """
    results: dict[str, Any] = {
        "checkpoint": {"files": checkpoint_files(folder), "sha256": checkpoint_hashes(folder)},
        "machine": machine(),
        "run": {"workers": workers, "wall_seconds": wall_seconds},
        **streams.as_dict(),
    }
    if twenty_seconds is not None:
        results[EvalSection.TWENTY_SECONDS.value] = twenty_seconds.as_dict()
    return results


def write_results(path: Path, results: dict[str, Any]) -> None:
    """Write results as JSON, with `null` for NaN. Raises OSError if that fails."""
    text = json.dumps(_plain(results), indent=2, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """Return a JSON value with six significant digits and `None` for NaN."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
