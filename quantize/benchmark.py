"""Benchmark of a model on synthetic streams: p(speak), speed and memory."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers.utils import logging as transformers_logging

from roma_ros.machine import peak_resident_bytes, resident_bytes
from roma_ros.thinker import RomaThinker, StreamSession
from roma_ros.world import Exercise, Split, WorldRenderer, alert_exercises, narration_exercise

__all__ = ["BenchmarkResult", "BenchmarkSettings", "run_benchmark", "run_benchmark_in_subprocess"]

QUESTION = "what did you see?"
TOKENS_PER_STREAM = 8
MERGED = 28  # pixels along the side of a token


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkSettings:
    """Settings of a benchmark.

    Attributes:
        streams: number of synthetic streams of the test split, each under one alert.
        seconds: length of each stream, 5 to 60.
        frame_size: width and height of the frames in pixels; `None`: the largest square that the
            checkpoint takes without resizing.
        device: torch device to compute on, or `auto`.
        threads: CPU threads of torch; 0 leaves torch's choice.
    """

    streams: int = 8
    seconds: int = 20
    frame_size: tuple[int, int] | None = None
    device: str = "auto"
    threads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkResult:
    """Result of a benchmark.

    Attributes:
        p_speak: p(speak) of each unit, one row per stream; empty rows for a model without a speak
            head.
        unit_seconds: seconds to process each unit (encode and step), without the first of each
            stream.
        token_seconds: seconds to decode single tokens of answers; empty if every answer ended at
            once.
        resident_bytes: main memory of the process after the last unit.
        peak_bytes: peak main memory of the process, loading included.
        device_bytes: peak GPU memory of torch; 0 without a GPU.
    """

    p_speak: tuple[tuple[float, ...], ...]
    unit_seconds: tuple[float, ...]
    token_seconds: tuple[float, ...]
    resident_bytes: int
    peak_bytes: int
    device_bytes: int


def run_benchmark_in_subprocess(model: Path, settings: BenchmarkSettings) -> BenchmarkResult:
    """Run `run_benchmark` in its own process, so that the memory figures are of one model."""
    context = multiprocessing.get_context("spawn")  # a forked torch may wait for locks for ever
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(run_benchmark, model, settings).result()


def run_benchmark(model: Path, settings: BenchmarkSettings) -> BenchmarkResult:
    """Load a model and process the streams with it.

    Args:
        model: checkpoint folder, or folder of a bundle.
        settings: streams and device.

    Raises:
        CheckpointError: the model cannot be loaded.
        UnitShapeError: its vision encoder takes frames of another shape.
        SpeechError: espeak-ng is missing, and a stream has spoken words.
    """
    transformers_logging.disable_progress_bar()
    if settings.threads:
        torch.set_num_threads(settings.threads)
    thinker = RomaThinker.from_pretrained(model, device=settings.device)
    width, height = settings.frame_size or _square(thinker)
    series, units, tokens = [], [], []
    for exercise in _exercises(settings):
        with thinker.open_session(exercise.text) as session:
            seen: list[float] = []
            for index, unit in enumerate(WorldRenderer(exercise.scene, height, width)):
                step = session.step(unit)
                if step.p_speak is not None:
                    seen.append(step.p_speak)
                if index:
                    units.append(step.timings.total)
            series.append(tuple(seen))
            tokens += _token_seconds(thinker, session)
    return BenchmarkResult(
        p_speak=tuple(series),
        unit_seconds=tuple(units),
        token_seconds=tuple(tokens),
        resident_bytes=resident_bytes(),
        peak_bytes=peak_resident_bytes(),
        device_bytes=_device_bytes(thinker.device),
    )


def _square(thinker: RomaThinker) -> tuple[int, int]:
    side = int(thinker.features.max_pixels**0.5) // MERGED * MERGED
    return side, side


def _exercises(settings: BenchmarkSettings) -> Iterator[Exercise]:
    for index in range(settings.streams):
        seed = Split.TEST.seed(index)
        # A scene without any possible alert is narrated.
        found = alert_exercises(seed, settings.seconds, 1)
        yield found[0] if found else narration_exercise(seed, settings.seconds)


def _token_seconds(thinker: RomaThinker, session: StreamSession) -> list[float]:
    """Return seconds for single tokens of an answer, without the first, which has the prefill."""
    seconds: list[float] = []
    with session.branch() as branch:
        branch.begin(QUESTION)
        finished = branch.decode(1).finished
        while not finished and len(seconds) < TOKENS_PER_STREAM:
            begin = thinker.clock()
            finished = branch.decode(1).finished
            seconds.append(thinker.clock() - begin)
    return seconds


def _device_bytes(device: torch.device) -> int:
    if device.type != "cuda":
        return 0
    return int(torch.cuda.max_memory_allocated(device))
