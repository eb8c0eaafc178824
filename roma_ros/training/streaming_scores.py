"""Scores of a model on samples, streamed as a robot would: unit by unit, without look-ahead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from roma_ros.benchmarks.alerts import AlertMatch, judge_alerts
from roma_ros.benchmarks.narrations import NarrationMatch, judge_at_ends
from roma_ros.data import Sample, SampleError, Task, sample_units
from roma_ros.thinker import RomaThinker, StreamSession, ThinkerError
from roma_ros.training.sample_dataset import MAX_UNITS
from roma_ros.triggers import AlertTrigger, NarrationTrigger
from roma_ros.units import NS_PER_SECOND

__all__ = ["StreamResult", "stream_sample", "streaming_figures"]

THRESHOLD = 0.5  # p(speak) of a trigger
TOLERANCE = 1.0  # seconds between the end of a segment and its narration
REPLY_TOKENS = 25  # of a unit


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamResult:
    """Outcome of one sample.

    Attributes:
        task: task of the sample.
        p_speak: p(speak) after each unit.
        alert: alerts compared with the events; `None` for another task.
        narration: narrations compared with the segments; `None` for another task.
        hits, wrong, missed: units whose label and p(speak) >= 0.5 agree in true, and do not.
        right: for each question, whether the answer is equal to the expected one.
    """

    task: Task
    p_speak: tuple[float, ...] = ()
    alert: AlertMatch | None = None
    narration: NarrationMatch | None = None
    hits: int = 0
    wrong: int = 0
    missed: int = 0
    right: tuple[bool, ...] = ()


@torch.inference_mode()
def stream_sample(
    thinker: RomaThinker,
    sample: Sample,
    folder: Path,
    *,
    threshold: float = THRESHOLD,
    max_units: int = MAX_UNITS,
) -> StreamResult:
    """Run a sample through a session and compare what comes with what is expected.

    Args:
        thinker: model with a source of p(speak).
        sample: the sample.
        folder: folder that its paths are relative to.
        threshold: p(speak) of a trigger.
        max_units: length at which the stream is cut.

    Raises:
        SampleError: its video cannot be decoded, or the model cannot process it.
    """
    written = [query.text for query in sample.queries if query.audio is None]
    asks = sample.task is Task.QUESTION
    instruction = None if asks else " ".join(written) or None
    p_speak: list[float] = []
    right: list[bool] = []
    raised: list[int] = []
    alert, narration = AlertTrigger(threshold), NarrationTrigger(threshold)
    try:
        with thinker.open_session(instruction) as session:
            for unit in islice(sample_units(sample, folder), max_units):
                p = session.step(unit).p_speak or 0.0
                stamp = len(p_speak) * NS_PER_SECOND
                if asks:
                    right += _answered(session, sample, len(p_speak))
                elif sample.task is Task.ALERT:
                    raised += [len(p_speak)] * alert.update(p, stamp)
                elif session.speaking or narration.update(p, stamp):
                    raised += [len(p_speak)] * (not session.speaking)
                    session.speak(REPLY_TOKENS)
                p_speak.append(p)
    except ThinkerError as error:
        raise SampleError(f"sample {sample.id} cannot be processed: {error}") from error
    if asks:
        return StreamResult(task=sample.task, p_speak=tuple(p_speak), right=tuple(right))
    labels = sample.labels(len(p_speak)).tolist()
    times = [unit + 1.0 for unit in raised]
    due = [(label, p >= 0.5) for label, p in zip(labels, p_speak, strict=True)]
    is_alert = sample.task is Task.ALERT
    segments = [(unit + 0.5, unit + 1.0) for unit, label in enumerate(labels) if label]
    return StreamResult(
        task=sample.task,
        p_speak=tuple(p_speak),
        alert=judge_alerts(times, _runs(labels), float(len(labels))) if is_alert else None,
        narration=None if is_alert else judge_at_ends(times, segments, TOLERANCE),
        hits=sum(label and said for label, said in due),
        wrong=sum(said and not label for label, said in due),
        missed=sum(label and not said for label, said in due),
    )


def streaming_figures(results: Iterable[StreamResult]) -> dict[str, float]:
    """Return figures over all streams by name; those without data are left out.

    - `alert_recall`, `alert_false_alarms` (per minute), `alert_unit_f1`
    - `narration_f1`: one to one, within a second of the segment's end
    - `question_exact`: share of answers that are equal to the expected ones
    """
    done = list(results)
    figures: dict[str, float] = {}
    alerts = [result for result in done if result.alert is not None]
    matches = [result.alert for result in alerts if result.alert is not None]
    if events := sum(match.events for match in matches):
        figures["alert_recall"] = sum(len(match.latencies) for match in matches) / events
    if minutes := sum(match.seconds or 0.0 for match in matches) / 60:
        figures["alert_false_alarms"] = sum(match.false_alarms for match in matches) / minutes
    hits = sum(result.hits for result in alerts)
    if count := 2 * hits + sum(result.wrong + result.missed for result in alerts):
        figures["alert_unit_f1"] = 2 * hits / count
    narrations = [result.narration for result in done if result.narration is not None]
    if count := sum(match.segments + match.published for match in narrations):
        figures["narration_f1"] = 2 * sum(len(match.pairs) for match in narrations) / count
    right = [one for result in done for one in result.right]
    if right:
        figures["question_exact"] = sum(right) / len(right)
    return figures


def _answered(session: StreamSession, sample: Sample, unit: int) -> Iterator[bool]:
    """Yield for each question that is answered after a unit whether the answer is right."""
    for query, answer in zip(sample.queries, sample.answers, strict=False):
        if answer.unit != unit:
            continue
        if query.audio is None:
            with session.branch() as branch:
                said = branch.answer(query.text)
        else:
            said = session.speak(4 * REPLY_TOKENS).reply
        yield _plain(said) == _plain(answer.text)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".")


def _runs(labels: Sequence[bool]) -> list[tuple[float, float]]:
    """Return begin and end in seconds of each run of positive units."""
    runs: list[tuple[float, float]] = []
    for unit, label in enumerate(labels):
        if label and runs and runs[-1][1] == unit:
            runs[-1] = (runs[-1][0], unit + 1.0)
        elif label:
            runs.append((float(unit), unit + 1.0))
    return runs
