"""Whether a model fits a device and keeps up with its sensors."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.planning.cost import Costs, cache_bytes, costs_of, seconds, weight_bytes
from roma_ros.planning.device import GB, Device
from roma_ros.planning.model_shape import ModelShape
from roma_ros.planning.weight_format import WeightFormat
from roma_ros.planning.workload import Workload

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Figures in bytes and seconds; all predicted.

    Attributes:
        weights: of the whole model.
        cache: of all sessions.
        activations: the most that computing a unit needs beside.
        features, vision, audio: of one unit, shared by all watches.
        backbone: of one unit under one watch, the speak head included.
        token: of one more token.
    """

    model: ModelShape
    device: Device
    weight_format: WeightFormat
    workload: Workload
    costs: Costs
    weights: int
    cache: int
    activations: int
    features: float
    vision: float
    audio: float
    backbone: float
    token: float

    @property
    def peak_memory(self) -> int:
        return self.weights + self.cache + self.activations

    @property
    def free_memory(self) -> int:
        """What is left of the device's memory; below 0 it does not fit."""
        return self.device.memory - self.device.reserved - self.peak_memory

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of the stream, under all watches, saying nothing."""
        return self.features + self.vision + self.audio + self.workload.watches * self.backbone

    @property
    def spare_tokens(self) -> int:
        """Tokens a second that can be said or answered beside hearing everything."""
        return max(0, int((1 - self.real_time_factor) / self.token))

    @property
    def fits(self) -> bool:
        return self.free_memory >= 0

    @property
    def keeps_up(self) -> bool:
        return self.real_time_factor <= 1

    def summary(self) -> tuple[str, ...]:
        """Three lines that say whether it will do; presets carry them as comments."""
        ours = (self.device.memory - self.device.reserved) / GB
        fits = "fits" if self.fits else "DOES NOT FIT"
        keeps_up = "keeps up" if self.keeps_up else "DOES NOT KEEP UP"
        return (
            f"weights {self.weights / GB:.2f} GB, caches {self.cache / GB:.2f} GB, "
            f"peak {self.peak_memory / GB:.2f} of {ours:.1f} GB: {fits}",
            f"{self.real_time_factor:.2f} s of work for a second of the stream: {keeps_up}",
            f"{self.token * 1e3:.0f} ms for a token, {self.spare_tokens} tokens a second to spare",
        )


def make_plan(
    model: ModelShape,
    device: Device,
    weight_format: WeightFormat,
    workload: Workload,
    *,
    dtype_bytes: int | None = None,
) -> Plan:
    """Predict.

    Args:
        dtype_bytes: of a weight that is not quantised; `None`: the device's usual.
    """
    size = device.dtype_bytes if dtype_bytes is None else dtype_bytes
    costs = costs_of(model, weight_format, workload, size)
    return Plan(
        model=model,
        device=device,
        weight_format=weight_format,
        workload=workload,
        costs=costs,
        weights=weight_bytes(model, weight_format, size),
        cache=workload.watches * cache_bytes(model, workload, size),
        activations=_activations(model, weight_format, workload, size),
        features=device.feature_seconds,
        vision=seconds(costs.vision, device),
        audio=seconds(costs.audio, device),
        backbone=seconds(costs.backbone, device) + seconds(costs.head, device),
        token=seconds(costs.token, device),
    )


def _activations(
    model: ModelShape, weight_format: WeightFormat, workload: Workload, dtype_bytes: int
) -> int:
    """Every layer's states of a unit, the widest layer's middle, and one unpacked weight."""
    text, vision = model.text, model.vision
    tokens = max(workload.unit_tokens, workload.opening_tokens)
    states = (text.layers + 1) * tokens * text.width + 3 * tokens * text.middle
    patches = workload.most_video_tokens * vision.merged
    seen = patches * (6 * vision.width + 3 * vision.middle)
    unpacked = text.width * text.middle if weight_format.unpacks else 0
    said = 2 * text.vocabulary  # logits, and a copy with what may not be said left out
    return dtype_bytes * (max(states, seen) + unpacked + said)
