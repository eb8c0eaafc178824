"""Probe of a device: memory bandwidth, arithmetic rate, and the cost of launching an operation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

__all__ = ["Probe", "probe"]

SIDE = 2_048  # of the matrices that are multiplied: 17 GFLOP a time
READ_BYTES = 256 * 1024**2  # more than any cache
CALLS = 1_000
REPEATS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Result of `probe`, in one dtype.

    Attributes:
        bandwidth: bytes a second of a matrix times a vector, as decoding reads weights.
        rate: operations a second of a matrix times a matrix, as units are computed.
        call_seconds: seconds of a module's call on little data.
    """

    bandwidth: float
    rate: float
    call_seconds: float


@torch.inference_mode()
def probe(device: torch.device, dtype: torch.dtype) -> Probe:
    """Measure a device for about a second; each figure is the median of seven runs."""

    def seconds(work: Callable[[], object]) -> float:
        taken = []
        for _ in range(REPEATS + 2):
            _wait(device)
            begin = time.perf_counter()
            work()
            _wait(device)
            taken.append(time.perf_counter() - begin)
        return median(taken[2:])

    matrix = torch.ones(SIDE, SIDE, device=device, dtype=dtype)
    rate = 2 * SIDE**3 / seconds(lambda: matrix @ matrix)
    rows = READ_BYTES // (4_096 * matrix.element_size())
    tall = torch.ones(rows, 4_096, device=device, dtype=dtype)
    vector = torch.ones(4_096, device=device, dtype=dtype)
    bandwidth = tall.nbytes / seconds(lambda: tall @ vector)
    layers = [part for _ in range(CALLS // 2) for part in (nn.Linear(64, 64), nn.SiLU())]
    small = nn.Sequential(*layers).to(device, dtype)
    token = torch.ones(1, 64, device=device, dtype=dtype)
    call_seconds = seconds(lambda: small(token)) / CALLS
    return Probe(bandwidth=bandwidth, rate=rate, call_seconds=call_seconds)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
