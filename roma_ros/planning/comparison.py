"""Comparison of predictions with measurements of `roma bench`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roma_ros.planning.device import Device
from roma_ros.planning.errors import PlanningError
from roma_ros.planning.model_shape import ModelShape
from roma_ros.planning.plan import Plan, make_plan
from roma_ros.planning.weight_format import find_weight_format
from roma_ros.planning.workload import Workload

__all__ = ["BENCH_FORMAT", "Comparison", "compare", "read_comparisons"]

BENCH_FORMAT = "roma bench 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One measurement, and the prediction from the same machine's probe.

    Attributes:
        title: model, weight format, dtype and machine.
        plan: prediction.
        vision, audio, backbone, token: measured seconds (p50).
        weights, cache: measured bytes.
    """

    title: str
    plan: Plan
    vision: float
    audio: float
    backbone: float
    token: float
    weights: int
    cache: int


def read_comparisons(folder: Path) -> list[Comparison]:
    """Compare every measurement in `folder`; other JSON files are skipped.

    Raises:
        PlanningError: the folder does not exist, or a file in it cannot be read.
    """
    if not folder.is_dir():
        raise PlanningError(
            f"there is no folder {str(folder)!r}; expected one with files of `roma bench`"
        )
    return [compare(record, name) for name, record in _records(folder)]


def compare(record: dict[str, Any], name: str) -> Comparison:
    """Predict the figures of a measurement.

    Args:
        record: object that `roma bench --json` writes.
        name: name of its file, for messages.

    Raises:
        PlanningError: a part of the record is missing or has the wrong type.
    """
    try:
        settings, speed, memory = record["settings"], record["speed"], record["memory"]
        plan = make_plan(
            ModelShape.of_config(record["config"], name=settings["model"]),
            _machine(record),
            find_weight_format(settings["quantization"]),
            Workload(
                pixels=settings["pixels"],
                video_tokens=settings["video_tokens"],
                context_seconds=settings["context_seconds"],
                handover=settings.get("context_policy") == "handover",  # older records: evict
                opening_tokens=settings["opening_tokens"],
            ),
            dtype_bytes=settings["dtype_bytes"],
        )
        return Comparison(
            title=f"{settings['model']}, {settings['quantization']}, {settings['dtype']}: "
            f"{record['machine']['name']}",
            plan=plan,
            vision=speed["vision"]["p50"] / 1e3,
            audio=speed["audio"]["p50"] / 1e3,
            backbone=(speed["backbone"]["p50"] + speed["head"]["p50"]) / 1e3,
            token=speed["token"]["p50"] / 1e3,
            weights=memory["weights"],
            cache=memory["cache"],
        )
    except (KeyError, TypeError) as error:
        raise PlanningError(
            f"{name} is not as this version of `roma bench` writes it: {error!r}; measure again"
        ) from error


def _records(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(folder.glob("*.json")):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise PlanningError(f"{path} cannot be read: {error}") from error
        if isinstance(record, dict) and record.get("format") == BENCH_FORMAT:
            yield path.name, record


def _machine(record: dict[str, Any]) -> Device:
    """Return a device with the figures of the record's own probe."""
    probe, machine = record["probe"], record["machine"]
    return Device(
        name=machine["name"],
        title=machine["name"],
        memory=machine["memory"],
        reserved=0,
        bandwidth=probe["bandwidth"],
        rate=probe["rate"],
        call_seconds=probe["call_seconds"],
        feature_seconds=record["speed"]["features"]["p50"] / 1e3,
        source="measured by `roma bench`",
        gpu=record["settings"]["device"].startswith("cuda"),
        measured=True,
    )
