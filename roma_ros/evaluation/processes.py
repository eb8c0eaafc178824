"""Run jobs on a checkpoint, in this process or in several of one thread each."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TypeVar

import torch
from transformers.utils import logging as transformers_logging

from roma_ros.thinker import RomaThinker

__all__ = ["run_jobs"]

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_jobs(
    jobs: Sequence[Job],
    run: Callable[[RomaThinker, Job], Result],
    model: str,
    *,
    device: str,
    workers: int,
    at_once: int = 1,
) -> Iterator[Result]:
    """Yield the result of each job, in order.

    Args:
        jobs: the jobs, which are pickled if there are several processes.
        run: function of the model and a job; pickled too.
        model: folder of a checkpoint, or `roma_tiny`.
        device: device for `RomaThinker.from_pretrained`.
        workers: number of processes with one thread each; 1 uses this process, with torch's
            current number of threads.
        at_once: jobs that are sent to a process at a time.
    """
    if not jobs:
        return
    if workers == 1:
        thinker = RomaThinker.from_pretrained(model, device=device)
        yield from (run(thinker, job) for job in jobs)
        return
    # A forked torch would share its thread pool's locks with a parent that may hold them.
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_process,
        initargs=(model, device),
    ) as pool:
        try:
            yield from pool.map(partial(_run_here, run), jobs, chunksize=at_once)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_thinker: RomaThinker | None = None  # a worker process's, set by its initializer


def _start_process(model: str, device: str) -> None:
    import cv2

    global _thinker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends it
    transformers_logging.disable_progress_bar()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    _thinker = RomaThinker.from_pretrained(model, device=device)


def _run_here(run: Callable[[RomaThinker, Job], Result], job: Job) -> Result:
    assert _thinker is not None
    return run(_thinker, job)
