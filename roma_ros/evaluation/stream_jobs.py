"""Jobs of the evaluation on continuous streams: one stream each, to be run in any process."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from roma_ros.evaluation.errors import EvaluationError
from roma_ros.evaluation.quiet_units import (
    looped,
    noise_and_still,
    read_footage_units,
    silence_and_black,
)
from roma_ros.evaluation.stream_cases import run_alerts, run_crowd, run_narration
from roma_ros.evaluation.stream_outcomes import StreamOutcomes
from roma_ros.evaluation.stream_protocol import EvalSection, StreamProtocol
from roma_ros.evaluation.stream_questions import run_spoken_questions
from roma_ros.evaluation.stream_sights import run_sights
from roma_ros.evaluation.stream_sounds import run_recordings, run_unknown_words
from roma_ros.evaluation.stream_watches import LEAD, AlertCase
from roma_ros.thinker import RomaThinker
from roma_ros.units import MultimodalUnit
from roma_ros.world import Plot, Sound, Split, make_continuous

__all__ = ["StreamJob", "StreamKind", "left_out", "run_stream_job", "stream_jobs"]


class StreamKind(enum.Enum):
    """Kind of a stream; the value is its name."""

    CROWD = "alerts and questions"
    NARRATION = "narration"
    SPOKEN_QUESTIONS = "spoken questions"
    SILENCE = "silence and black"
    NOISE = "noise and a still picture"
    FOOTAGE = "real footage"
    RECORDINGS = "recordings"
    UNKNOWN_WORDS = "unknown words"
    SIGHTS = "sights"


@dataclass(frozen=True, slots=True)
class StreamJob:
    """One stream to run.

    Attributes:
        section: section of the evaluation.
        kind: kind of the stream.
        number: number of the stream within its section and kind.
        seconds: length of the stream in seconds.
    """

    section: EvalSection
    kind: StreamKind
    number: int
    seconds: int


QUIET = (StreamKind.SILENCE, StreamKind.NOISE, StreamKind.FOOTAGE)
QUIET_ALERTS = 3
SIGHT_STREAMS = 4  # over one clip each
SEED_STEP = 1_000_003  # between two streams, so that worlds of the 20-s protocol are others


def stream_jobs(protocol: StreamProtocol) -> list[StreamJob]:
    """Return the jobs of a protocol, the longest first."""
    jobs = []
    if protocol.runs(EvalSection.LONG):
        for kind in (StreamKind.CROWD, StreamKind.NARRATION):
            jobs.append(StreamJob(EvalSection.LONG, kind, 0, protocol.long_seconds))
    if protocol.runs(EvalSection.QUIET):
        for kind in QUIET:
            if kind is not StreamKind.FOOTAGE or protocol.footage is not None:
                jobs.append(StreamJob(EvalSection.QUIET, kind, 0, protocol.quiet_seconds))
    if protocol.recordings is not None and protocol.runs(EvalSection.RECORDINGS):
        seconds = protocol.recording_seconds
        jobs.append(StreamJob(EvalSection.RECORDINGS, StreamKind.RECORDINGS, 0, seconds))
    if protocol.runs(EvalSection.UNKNOWN):
        seconds = protocol.recording_seconds
        jobs.append(StreamJob(EvalSection.UNKNOWN, StreamKind.UNKNOWN_WORDS, 0, seconds))
    if protocol.footage is not None and protocol.runs(EvalSection.SIGHTS):
        seconds = protocol.recording_seconds // SIGHT_STREAMS
        for number in range(SIGHT_STREAMS):
            jobs.append(StreamJob(EvalSection.SIGHTS, StreamKind.SIGHTS, number, seconds))
    if protocol.runs(EvalSection.CONTINUOUS):
        for kind in (StreamKind.CROWD, StreamKind.NARRATION, StreamKind.SPOKEN_QUESTIONS):
            jobs += [
                StreamJob(EvalSection.CONTINUOUS, kind, number, protocol.seconds)
                for number in range(protocol.streams)
            ]
    return sorted(jobs, key=lambda job: -job.seconds)


def left_out(protocol: StreamProtocol) -> list[str]:
    """Return the reasons why a section of a protocol, or a part of one, is not run."""
    reasons = []
    if protocol.runs(EvalSection.QUIET) and protocol.footage is None:
        reasons.append("quiet, real footage: no folder of footage is given")
    if protocol.runs(EvalSection.RECORDINGS) and protocol.recordings is None:
        reasons.append("recordings: no folder of recordings is given")
    if protocol.runs(EvalSection.SIGHTS) and protocol.footage is None:
        reasons.append("sights: no folder of footage is given")
    return reasons


def run_stream_job(
    thinker: RomaThinker, protocol: StreamProtocol, job: StreamJob
) -> StreamOutcomes:
    """Run one stream.

    Raises:
        EvaluationError: the checkpoint has no speak head, or the stream has no event.
    """
    if not thinker.has_speak_source:
        raise EvaluationError(
            f"the checkpoint {thinker.name!r} has no speak head, so it has no p(speak); "
            "expected one that was trained by `roma train stage2`"
        )
    return RUN[job.kind](thinker, protocol, job)


def seed_of(protocol: StreamProtocol, job: StreamJob) -> int:
    """Return the seed of a job's stream, in the test split."""
    kinds, sections = list(StreamKind), list(EvalSection)
    index = kinds.index(job.kind) + len(kinds) * sections.index(job.section)
    number = protocol.seed + job.number
    return Split.TEST.seed((index * 1000 + number) * SEED_STEP % len(Split.TEST.value))


def _run_crowd(thinker: RomaThinker, protocol: StreamProtocol, job: StreamJob) -> StreamOutcomes:
    stream = make_continuous(seed_of(protocol, job), job.seconds, lead_seconds=LEAD)
    if job.section is EvalSection.LONG:
        few = min(protocol.spoken_alerts, 1)
        protocol = replace(protocol, alerts=min(protocol.alerts, 2), spoken_alerts=few)
    fresh = job.section is EvalSection.CONTINUOUS
    return run_crowd(thinker, protocol, job.section, stream, fresh=fresh)


def _run_narration(
    thinker: RomaThinker, protocol: StreamProtocol, job: StreamJob
) -> StreamOutcomes:
    stream = make_continuous(seed_of(protocol, job), job.seconds, plots=Plot.SEQUENCE)
    fresh = job.section is EvalSection.CONTINUOUS
    return run_narration(thinker, protocol, job.section, stream, fresh=fresh)


def _run_spoken(thinker: RomaThinker, protocol: StreamProtocol, job: StreamJob) -> StreamOutcomes:
    return run_spoken_questions(thinker, protocol, seed_of(protocol, job), job.seconds)


def _run_recordings(
    thinker: RomaThinker, protocol: StreamProtocol, job: StreamJob
) -> StreamOutcomes:
    return run_recordings(thinker, protocol, seed_of(protocol, job), job.seconds)


def _run_unknown(thinker: RomaThinker, protocol: StreamProtocol, job: StreamJob) -> StreamOutcomes:
    return run_unknown_words(thinker, protocol, seed_of(protocol, job), job.seconds)


def _run_sights(thinker: RomaThinker, protocol: StreamProtocol, job: StreamJob) -> StreamOutcomes:
    return run_sights(thinker, protocol, seed_of(protocol, job), job.seconds, job.number)


def _run_quiet(thinker: RomaThinker, protocol: StreamProtocol, job: StreamJob) -> StreamOutcomes:
    seed = seed_of(protocol, job)
    cases = list(_quiet_cases(seed, job))
    units: Iterator[MultimodalUnit]
    if job.kind is StreamKind.SILENCE:
        units = silence_and_black(job.seconds)
    elif job.kind is StreamKind.NOISE:
        units = noise_and_still(seed, job.seconds)
    else:
        assert protocol.footage is not None
        footage: Sequence[MultimodalUnit] = read_footage_units(protocol.footage)
        if not footage:
            reason = f"quiet, {job.kind.value}: {protocol.footage} has no file that can be decoded"
            return StreamOutcomes(left_out=[reason])
        units = looped(footage, job.seconds)
    group = job.kind.value
    return run_alerts(thinker, protocol, job.section, group, units, cases, narrate=group)


def _quiet_cases(seed: int, job: StreamJob) -> Iterator[AlertCase]:
    """Yield alerts of the world; none on a spoken word, since real footage may have speech."""
    alerts = make_continuous(seed, 300).alerts(4 * QUIET_ALERTS)
    others = [alert for alert in alerts if alert.event.sound is not Sound.WORD]
    for alert in others[:QUIET_ALERTS]:
        yield AlertCase(
            group=job.kind.value,
            kind=alert.event.kind.value,
            instruction=alert.instruction,
            labels=np.zeros(job.seconds, bool),
            fresh=False,
        )


RUN: dict[StreamKind, Callable[[RomaThinker, StreamProtocol, StreamJob], StreamOutcomes]] = {
    StreamKind.CROWD: _run_crowd,
    StreamKind.NARRATION: _run_narration,
    StreamKind.SPOKEN_QUESTIONS: _run_spoken,
    StreamKind.SILENCE: _run_quiet,
    StreamKind.NOISE: _run_quiet,
    StreamKind.FOOTAGE: _run_quiet,
    StreamKind.RECORDINGS: _run_recordings,
    StreamKind.UNKNOWN_WORDS: _run_unknown,
    StreamKind.SIGHTS: _run_sights,
}
