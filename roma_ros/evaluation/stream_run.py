"""Run all streams of a protocol, in several processes of one thread each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from roma_ros.evaluation.processes import run_jobs
from roma_ros.evaluation.stream_jobs import StreamJob, left_out, run_stream_job, stream_jobs
from roma_ros.evaluation.stream_outcomes import StreamOutcomes
from roma_ros.evaluation.stream_protocol import StreamProtocol
from roma_ros.thinker import RomaThinker

__all__ = ["evaluate_on_streams"]


def evaluate_on_streams(
    model: str,
    protocol: StreamProtocol,
    *,
    device: str = "cpu",
    workers: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> StreamOutcomes:
    """Run a checkpoint on continuous streams of the test split.

    Args:
        model: folder of a checkpoint with a speak head, or `roma_tiny`.
        protocol: sections, streams, context window and thresholds.
        device: device for `RomaThinker.from_pretrained`.
        workers: number of processes with one thread each; 1 uses this process, with torch's
            current number of threads.
        on_progress: called after each stream with the number of seconds done and of all.

    Returns:
        Outcomes of all streams.

    Raises:
        CheckpointError: the model cannot be loaded.
        EvaluationError: it has no speak head.
        ContextError: the context window is out of range.
        WorldError: recordings or footage cannot be read.
        SpeechError: espeak-ng is missing.
    """
    jobs = stream_jobs(protocol)
    outcomes = StreamOutcomes(left_out=left_out(protocol))
    run = partial(_run_job, protocol)
    done, of = 0, sum(job.seconds for job in jobs)
    results = run_jobs(jobs, run, model, device=device, workers=workers)
    for job, result in zip(jobs, results, strict=True):
        outcomes.add(result)
        done += job.seconds
        if on_progress is not None:
            on_progress(done, of)
    return outcomes


def _run_job(protocol: StreamProtocol, thinker: RomaThinker, job: StreamJob) -> StreamOutcomes:
    return run_stream_job(thinker, protocol, job)
