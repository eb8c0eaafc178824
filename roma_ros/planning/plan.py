"""Prediction of whether a model fits a device and keeps up with its sensors."""

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
    """Predicted memory in bytes and durations in seconds.

    Attributes:
        model, device, weight_format, workload: inputs of the prediction.
        costs: operations and bytes of each phase.
        weights: bytes of the model's weights.
        cache: bytes of the KV caches of all sessions.
        activations: most bytes that computing a unit needs in addition.
        features, vision, audio: seconds of one unit, shared by all watches.
        backbone: seconds of one unit under one watch, with the speak head.
        handover: seconds of the second context for one unit under one watch, on average.
        token: seconds of one generated token.
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
    handover: float
    token: float

    @property
    def peak_memory(self) -> int:
        """Bytes of weights, caches and activations."""
        return self.weights + self.cache + self.activations

    @property
    def free_memory(self) -> int:
        """Bytes of the device's memory that are left; below 0 the model does not fit."""
        return self.device.memory - self.device.reserved - self.peak_memory

    @property
    def real_time_factor(self) -> float:
        """Seconds of work for a second of the stream under all watches, without generated text."""
        per_watch = self.backbone + self.handover
        return self.features + self.vision + self.audio + self.workload.watches * per_watch

    @property
    def spare_tokens(self) -> int:
        """Tokens a second that can be generated beside processing every unit."""
        return max(0, int((1 - self.real_time_factor) / self.token))

    @property
    def fits(self) -> bool:
        """Whether weights, caches and activations fit in the device's memory."""
        return self.free_memory >= 0

    @property
    def keeps_up(self) -> bool:
        """Whether a second of the stream takes at most a second."""
        return self.real_time_factor <= 1

    def summary(self) -> tuple[str, ...]:
        """Return three lines on memory, unit time and token time, as presets have in comments."""
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
    """Predict memory and durations of a model on a device.

    Args:
        model: sizes of the model.
        device: device to run on.
        weight_format: storage format of the weights.
        workload: sizes of the stream.
        dtype_bytes: bytes of a weight that is not quantised; `None` for `device.dtype_bytes`.
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
        handover=workload.passes_per_unit * seconds(costs.handover, device),
        token=seconds(costs.token, device),
    )


def _activations(
    model: ModelShape, weight_format: WeightFormat, workload: Workload, dtype_bytes: int
) -> int:
    """Return bytes of all hidden states, the widest MLP, one unpacked weight and the logits."""
    text, vision = model.text, model.vision
    tokens = max(workload.unit_tokens, workload.opening_tokens, workload.pass_tokens)
    states = (text.layers + 1) * tokens * text.width + 3 * tokens * text.middle
    patches = workload.most_video_tokens * vision.merged
    seen = patches * (6 * vision.width + 3 * vision.middle)
    unpacked = text.width * text.middle if weight_format.unpacks else 0
    logits = 2 * text.vocabulary  # and a copy with suppressed tokens masked
    return dtype_bytes * (max(states, seen) + unpacked + logits)
