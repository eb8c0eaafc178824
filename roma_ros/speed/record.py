"""JSON record of a measurement, which `roma plan --measured` reads."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from typing import Any

import torch
import transformers

from roma_ros import __version__
from roma_ros.machine import cores, load, processor, python_version, total_memory
from roma_ros.planning import BENCH_FORMAT
from roma_ros.speed.measurement import Measurement
from roma_ros.speed.probe import Probe
from roma_ros.thinker import RomaThinker

__all__ = ["make_record"]

SIZES = ("text_config", "vision_config", "audio_config", "tie_word_embeddings")


def make_record(
    thinker: RomaThinker,
    measured: Measurement,
    probe: Probe,
    *,
    model: str,
    random_weights: bool,
    quantization: str,
) -> dict[str, Any]:
    """Return the record as a JSON object; durations are in milliseconds, sizes in bytes.

    Args:
        thinker: model that was measured.
        measured: result of `measure`.
        probe: result of `probe` on the same device, in the same dtype.
        model: name or path of the model.
        random_weights: whether its weights are random.
        quantization: name of its weight format.
    """
    dtype = thinker.embed_dtype
    config = thinker.backbone.config.to_dict()
    return {
        "format": BENCH_FORMAT,
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": _machine(thinker.device),
        "settings": {
            "model": model,
            "random_weights": random_weights,
            "quantization": quantization,
            "device": str(thinker.device),
            "dtype": str(dtype).removeprefix("torch."),
            "dtype_bytes": dtype.itemsize,
            "pixels": thinker.config.max_pixels,
            "context_seconds": measured.window,
            "context_policy": measured.policy.value,
            "video_tokens": measured.video_tokens,
            "unit_tokens": measured.unit_tokens,
            "seen_tokens": measured.seen_tokens,
            "opening_tokens": measured.opening_tokens,
        },
        "probe": asdict(probe),
        "speed": {
            **{name: asdict(spread) for name, spread in measured.phases.items()},
            "token": asdict(measured.token),
            "real_time_factor": measured.real_time_factor,
            "cores_used": measured.cores_used,
        },
        "memory": asdict(measured.memory),
        "config": {name: config[name] for name in SIZES},
    }


def _machine(device: torch.device) -> dict[str, Any]:
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        name, memory = properties.name, properties.total_memory
    else:
        name = f"{processor()}, {cores()} cores"
        memory = total_memory()
    return {
        "name": name,
        "memory": memory,
        "cpu": processor(),
        "cores": cores(),
        "load": load(),
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "transformers": transformers.__version__,
        "python": python_version(),
        "roma_ros": __version__,
    }
