"""Run all cases of a protocol, in several processes of one thread each."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import torch
from transformers.utils import logging as transformers_logging

from roma_ros.evaluation.cases import Case, CaseKind, schedule
from roma_ros.evaluation.outcomes import Outcomes
from roma_ros.evaluation.protocol import Protocol
from roma_ros.evaluation.runners import run_case
from roma_ros.thinker import RomaThinker

__all__ = ["evaluate_on_world"]

Job = tuple[CaseKind, int]
AT_ONCE = 2  # cases sent to a process at a time


def evaluate_on_world(
    model: str,
    protocol: Protocol,
    *,
    device: str = "cpu",
    workers: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> Outcomes:
    """Run a checkpoint on the streams of the test split.

    Args:
        model: folder of a checkpoint with a speak head, or `roma_tiny`.
        protocol: streams and thresholds.
        device: device for `RomaThinker.from_pretrained`.
        workers: number of processes with one thread each; 1 uses this process, with torch's
            current number of threads.
        on_progress: called after each case with the number of cases done and of all cases.

    Returns:
        Outcomes of all streams, in the order of the schedule.

    Raises:
        CheckpointError: the model cannot be loaded.
        EvaluationError: it has no speak head, or worlds are too short for an exercise.
        SpeechError: espeak-ng is missing.
    """
    jobs = list(schedule(protocol))
    outcomes = Outcomes()
    for done, followed in enumerate(_followed(jobs, model, protocol, device, workers), start=1):
        outcomes.add(followed)
        if on_progress is not None:
            on_progress(done, len(jobs))
    return outcomes


def _followed(
    jobs: Iterable[Job], model: str, protocol: Protocol, device: str, workers: int
) -> Iterator[Outcomes]:
    if workers == 1:
        thinker = RomaThinker.from_pretrained(model, device=device)
        yield from (_follow(thinker, protocol, job) for job in jobs)
        return
    # A forked torch would share its thread pool's locks with a parent that may hold them.
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
        initargs=(model, device),
    ) as pool:
        try:
            yield from pool.map(partial(_follow_here, protocol), jobs, chunksize=AT_ONCE)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _follow(thinker: RomaThinker, protocol: Protocol, job: Job) -> Outcomes:
    return run_case(thinker, Case.of(*job, protocol), protocol.triggers)


_thinker: RomaThinker | None = None  # a worker process's, set by its initializer


def _start_process(model: str, device: str) -> None:
    import cv2

    global _thinker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    transformers_logging.disable_progress_bar()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _thinker = RomaThinker.from_pretrained(model, device=device)


def _follow_here(protocol: Protocol, job: Job) -> Outcomes:
    assert _thinker is not None
    return _follow(_thinker, protocol, job)
