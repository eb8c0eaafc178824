"""Operations and bytes of one unit and one token, by phase."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.planning.device import Device
from roma_ros.planning.model_shape import ModelShape
from roma_ros.planning.weight_format import WeightFormat
from roma_ros.planning.workload import Workload

__all__ = ["Cost", "Costs", "cache_bytes", "costs_of", "seconds", "weight_bytes"]

# Operations that torch launches per layer, without views; counted on roma_tiny.
TEXT_CALLS, VISION_CALLS, AUDIO_CALLS = 60, 70, 45
LINEAR_PER_TEXT_LAYER = 7
MEL_FRAMES, AUDIO_POSITIONS, AUDIO_TOKENS = 100, 50, 25


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one phase.

    Attributes:
        operations: floating-point operations.
        bytes: bytes of memory read and written.
        calls: operations that torch launches.
    """

    operations: float
    bytes: float
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Costs of one unit under one watch, and of one generated token.

    Attributes:
        vision: vision encoder.
        audio: audio encoder.
        backbone: backbone over the unit's tokens.
        head: speak head.
        token: backbone and LM head for one token.
        handover: one pass of the second context, over several units; nothing without handover.
    """

    vision: Cost
    audio: Cost
    backbone: Cost
    head: Cost
    token: Cost
    handover: Cost


def costs_of(
    model: ModelShape, weight_format: WeightFormat, workload: Workload, dtype_bytes: int
) -> Costs:
    """Count the costs; activations are small compared with weights and cache, and left out.

    Args:
        model: sizes of the model.
        weight_format: storage format of the weights.
        workload: sizes of the stream.
        dtype_bytes: bytes of a weight that is not quantised.
    """
    return Costs(
        vision=_vision(model, workload, weight_format.encoder(dtype_bytes)),
        audio=_audio(model, weight_format.encoder(dtype_bytes)),
        backbone=_text(model, weight_format, workload, dtype_bytes, tokens=workload.unit_tokens),
        head=Cost(2 * model.speak_head, 4 * model.speak_head, 10),
        token=_text(model, weight_format, workload, dtype_bytes, tokens=1, spoken=True),
        handover=_text(model, weight_format, workload, dtype_bytes, tokens=workload.pass_tokens)
        if workload.overlap
        else Cost(0, 0, 0),
    )


def seconds(cost: Cost, device: Device) -> float:
    """Return the seconds of a phase: the slowest of arithmetic, memory and launches.

    A GPU computes while the next operations are launched; a CPU does one after the other.
    """
    work = max(cost.operations / device.reached_rate, cost.bytes / device.reached_bandwidth)
    starting = cost.calls * device.call_seconds
    return max(work, starting) if device.gpu else work + starting


def weight_bytes(model: ModelShape, weight_format: WeightFormat, dtype_bytes: int) -> int:
    """Return the bytes of all weights; the speak head is always float32."""
    encoders = model.vision.parameters + model.audio.parameters
    kept = model.parameters - model.text.linear - encoders
    return round(
        kept * dtype_bytes
        + encoders * weight_format.encoder(dtype_bytes)
        + model.text.linear * weight_format.stored(dtype_bytes)
        + 4 * model.speak_head
    )


def cache_bytes(model: ModelShape, workload: Workload, dtype_bytes: int) -> int:
    """Return the bytes of one session's KV cache."""
    return workload.cache_tokens * _cache_bytes_per_token(model, dtype_bytes)


def _cache_bytes_per_token(model: ModelShape, dtype_bytes: int) -> int:
    return 2 * model.text.layers * model.text.kv_width * dtype_bytes


def _text(
    model: ModelShape,
    weight_format: WeightFormat,
    workload: Workload,
    dtype_bytes: int,
    *,
    tokens: int,
    spoken: bool = False,
) -> Cost:
    text = model.text
    head = text.embedding if spoken else 0  # the LM head, tied or not
    attention = 4 * tokens * workload.seen_tokens * text.width * text.layers
    cache = workload.seen_tokens * _cache_bytes_per_token(model, dtype_bytes)
    calls = text.layers * (TEXT_CALLS + LINEAR_PER_TEXT_LAYER * weight_format.calls)
    return Cost(
        operations=2 * tokens * text.linear + 2 * head + attention,
        bytes=text.linear * weight_format.moved(dtype_bytes, tokens) + head * dtype_bytes + cache,
        calls=calls,
    )


def _vision(model: ModelShape, workload: Workload, weight_bytes: float) -> Cost:
    vision = model.vision
    patches = workload.seen_video_tokens * vision.merged
    pairs = patches * (
        vision.full_layers * patches
        + (vision.layers - vision.full_layers) * min(patches, vision.window)
    )
    products = vision.layers * vision.block + vision.patch_values * vision.width
    return Cost(
        operations=2 * patches * products
        + 2 * workload.seen_video_tokens * vision.merger
        + 4 * pairs * vision.width,
        bytes=vision.parameters * weight_bytes,
        calls=vision.layers * VISION_CALLS,
    )


def _audio(model: ModelShape, weight_bytes: float) -> Cost:
    audio = model.audio
    convolutions = 3 * audio.width * (MEL_FRAMES * audio.mel_bins + AUDIO_POSITIONS * audio.width)
    layers = audio.layers * (AUDIO_POSITIONS * audio.layer + 2 * AUDIO_POSITIONS**2 * audio.width)
    return Cost(
        operations=2 * (convolutions + layers + AUDIO_TOKENS * audio.width * audio.out),
        bytes=audio.parameters * weight_bytes,
        calls=audio.layers * AUDIO_CALLS,
    )
