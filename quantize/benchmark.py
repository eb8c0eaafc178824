"""A model follows streams of the made-up world: what it makes of them, how fast, in what memory."""

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

__all__ = ["FollowSettings", "Followed", "follow", "follow_apart"]

QUESTION = "what did you see?"
TOKENS_PER_STREAM = 8
MERGED = 28  # pixels along the side of a token


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowSettings:
    """Which streams, and where.

    Attributes:
        streams: worlds of the test split, each with an alert to watch for.
        seconds: length of each, 5 to 60.
        frame_size: width and height of the pictures; `None`: the largest square that the
            checkpoint takes whole.
        device, threads: to compute on; `threads` 0 leaves torch's choice.
    """

    streams: int = 8
    seconds: int = 20
    frame_size: tuple[int, int] | None = None
    device: str = "auto"
    threads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What came of it.

    Attributes:
        p_speak: of each unit, by streams; empty rows if nothing decides in this model.
        unit_seconds: encoding and one session's step of each unit, but for each stream's first.
        token_seconds: of single tokens of answers; empty if it ends each at once.
        resident_bytes: of the process, in main memory, after the last unit.
        peak_bytes: the most that it has had, as while loading.
        device_bytes: the most that torch had in the GPU's memory; 0 without one.
    """

    p_speak: tuple[tuple[float, ...], ...]
    unit_seconds: tuple[float, ...]
    token_seconds: tuple[float, ...]
    resident_bytes: int
    peak_bytes: int
    device_bytes: int


def follow_apart(model: Path, settings: FollowSettings) -> Followed:
    """`follow` in a process of its own, so that its memory is that of one model."""
    context = multiprocessing.get_context("spawn")  # a forked torch may wait for locks for ever
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(follow, model, settings).result()


def follow(model: Path, settings: FollowSettings) -> Followed:
    """Load a model and let it follow the streams.

    Raises:
        CheckpointError: the model cannot be loaded.
        UnitShapeError: its vision encoder takes pictures of another shape.
        SpeechError: espeak-ng is missing.
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
    return Followed(
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


def _exercises(settings: FollowSettings) -> Iterator[Exercise]:
    for index in range(settings.streams):
        seed = Split.TEST.seed(index)
        # A scene in which nothing can be waited for is narrated.
        found = alert_exercises(seed, settings.seconds, 1)
        yield found[0] if found else narration_exercise(seed, settings.seconds)


def _token_seconds(thinker: RomaThinker, session: StreamSession) -> list[float]:
    """The first token, with the question before it, does not count."""
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
