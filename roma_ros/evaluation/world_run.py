"""Run all cases of a protocol, in several processes of one thread each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from roma_ros.evaluation.cases import Case, CaseKind, schedule
from roma_ros.evaluation.outcomes import Outcomes
from roma_ros.evaluation.processes import run_jobs
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
    run = partial(_run_job, protocol)
    results = run_jobs(jobs, run, model, device=device, workers=workers, at_once=AT_ONCE)
    for done, result in enumerate(results, start=1):
        outcomes.add(result)
        if on_progress is not None:
            on_progress(done, len(jobs))
    return outcomes


def _run_job(protocol: Protocol, thinker: RomaThinker, job: Job) -> Outcomes:
    return run_case(thinker, Case.of(*job, protocol), protocol.triggers)
