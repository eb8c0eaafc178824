"""This machine as a device of `roma plan`."""

from __future__ import annotations

import torch

from roma_ros.machine import total_memory
from roma_ros.planning import Device
from roma_ros.speed.probe import probe
from roma_ros.thinker.placement import resolve_device, resolve_dtype

__all__ = ["this_machine"]

FEATURE_SECONDS = 0.015  # of 1280x720, as roma_tiny's on two cores (docs/benchmarks.md)
RESERVED = 1_000_000_000


def this_machine() -> Device:
    """Return this machine's GPU, else its CPU, with its memory and the speed that a probe found."""
    device = resolve_device("auto")
    found = probe(device, resolve_dtype("auto", device))
    gpu = device.type == "cuda"
    if gpu:
        properties = torch.cuda.get_device_properties(device)
        title, memory = properties.name, properties.total_memory
    else:
        title = f"this CPU, {torch.get_num_threads()} threads"
        memory = total_memory()
    return Device(
        name="this",
        title=title,
        memory=memory,
        reserved=RESERVED,
        bandwidth=found.bandwidth,
        rate=found.rate,
        call_seconds=found.call_seconds,
        feature_seconds=FEATURE_SECONDS,
        source="probed just now",
        gpu=gpu,
        measured=True,
    )
