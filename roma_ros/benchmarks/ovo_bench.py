"""OVO-Bench: questions at a time, counting (REC), steps (SSR) and clues to wait for (CRR).

Official predictions are answers to probes, in one JSON object. ROMA's rules and the online ones
take streams for REC, SSR and CRR: p(speak), alerts or narrations of the whole video.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from roma_ros.benchmarks.alerts import alert_figures, judge_alerts
from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.narrations import score_narrations
from roma_ros.benchmarks.ovo_format import (
    GROUPS,
    OvoAnswer,
    OvoForwardAnswer,
    OvoForwardTask,
    OvoQuestion,
    read_answers,
    read_tasks,
)
from roma_ros.benchmarks.predictions import by_identifier, check_known
from roma_ros.benchmarks.score import (
    Score,
    ScoreFigure,
    ScoreSettings,
    ScoringProtocol,
    mean,
    percent,
)
from roma_ros.benchmarks.streams import (
    Stream,
    Streams,
    alert_seconds,
    from_second,
    response_seconds,
)
from roma_ros.benchmarks.text import read_letter

__all__ = ["ANSWERS", "score_official", "score_online", "score_roma", "score_strictly"]

ANSWERS = rb'\{\s*"(backward|realtime|forward)"'
"""Start of a file of answers, by which it differs from JSON Lines of streams."""

Rows: TypeAlias = Mapping[str, OvoQuestion | OvoForwardTask]

TRIGGERS = {"REC": (0.7, 2), "CRR": (0.7, 2), "SSR": (0.97, 1)}
"""Threshold and window by task (paper, appendix A.3)."""


def score_official(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score answers by the official rules.

    The letter, `Yes` or `No` has to stand in the response, in this case; of a count, the digits of
    the response put together. A task without any answer is not scored.

    Raises:
        BenchmarkError: a file does not fit.
    """
    return _score_answers(
        annotations,
        predictions,
        letter=lambda response, task: task.letter in response,
        count=lambda response, right: "".join(re.findall(r"\d+", response)) == str(right),
        confirm=_contains_yes_or_no,
    )


def score_strictly(annotations: Path, predictions: Path, _settings: ScoreSettings) -> Score:
    """Score answers strictly: a response gives one letter, one number, or one of yes and no.

    Raises:
        BenchmarkError: a file does not fit.
    """
    return _score_answers(
        annotations,
        predictions,
        letter=lambda response, task: read_letter(response, len(task.options)) == task.letter,
        count=lambda response, right: re.findall(r"\d+", response) == [str(right)],
        confirm=_is_yes_or_no,
    )


def score_roma(tasks: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score streams of REC, SSR and CRR by ROMA's rules.

    REC: a response inside [start, end] of an event. CRR: the first response since the question
    comes after the clue. SSR: the first narration in [start, end) of a step.

    Raises:
        BenchmarkError: a stream is of another task, or does not have what its task needs.
    """
    return _score_streams(tasks, streams, settings, ScoringProtocol.ROMA)


def score_online(tasks: Rows, streams: Streams, settings: ScoreSettings) -> Score:
    """Score streams of REC, SSR and CRR without look-ahead.

    Raises:
        BenchmarkError: a stream is of another task, or does not have what its task needs.
    """
    return _score_streams(tasks, streams, settings, ScoringProtocol.ONLINE)


def _score_answers(
    annotations: Path,
    predictions: Path,
    *,
    letter: Callable[[str, OvoQuestion], bool],
    count: Callable[[str, int], bool],
    confirm: Callable[[str, int], bool],
) -> Score:
    tasks, answers = read_tasks(annotations), read_answers(predictions)
    given: list[OvoAnswer | OvoForwardAnswer] = [
        *answers.backward,
        *answers.realtime,
        *answers.forward,
    ]
    by_id = by_identifier(((str(answer.id), answer) for answer in given), str(predictions))
    missing = check_known(by_id, tasks.keys(), str(predictions))
    results: dict[str, list[float]] = {}
    answered = {tasks[identifier].task for identifier in by_id}
    differing = 0
    for identifier, task in tasks.items():
        if task.task not in answered:
            continue
        scores = results.setdefault(task.task, [])
        answer = by_id.get(identifier)
        if isinstance(task, OvoQuestion):
            if isinstance(answer, OvoForwardAnswer):
                raise _wrong_group(predictions, identifier, task.task)
            response = answer.response if answer else None
            differing += bool(answer and answer.ground_truth != task.letter)
            scores.append(float(response is not None and letter(response, task)))
            continue
        if isinstance(answer, OvoAnswer):
            raise _wrong_group(predictions, identifier, task.task)
        if answer is not None and _times(answer.task) != _times(task):
            raise BenchmarkError(
                f"{predictions}, id {identifier}: test_info has other times than the annotations; "
                "expected the same probes"
            )
        right = count if task.task == "REC" else confirm
        responses = answer.responses if answer else (None,) * len(task.probes)
        for probe, response in zip(task.probes, responses, strict=True):
            scores.append(float(response is not None and right(response, probe.right)))
    missing = [identifier for identifier in missing if tasks[identifier].task in answered]
    notes = _unscored(answered)
    if differing:
        notes.append(f"{differing} rows have another ground_truth than the annotations")
    rows = sum(task.task in answered for task in tasks.values())
    return Score(figures=_task_figures(results), rows=rows, missing=missing, notes=notes)


def _task_figures(results: Mapping[str, Sequence[float]]) -> list[ScoreFigure]:
    """Return the accuracy of tasks, the means of tasks in each group, and the means of all."""
    figures: list[ScoreFigure] = []
    means: list[ScoreFigure] = []
    averages: list[float] = []
    for group, names in GROUPS.items():
        scored = [percent(name, results[name]) for name in names if name in results]
        figures += scored
        values = [figure.value for figure in scored if figure.value is not None]
        if (average := mean(values)) is not None:
            averages.append(average)
            means.append(ScoreFigure(f"{group} (mean of tasks)", average, len(values)))
    tasks = [figure.value for figure in figures if figure.value is not None]
    return [
        *figures,
        *means,
        ScoreFigure("all (mean of groups)", mean(averages), len(averages)),
        ScoreFigure("all (mean of tasks)", mean(tasks), len(tasks)),
    ]


def _score_streams(
    tasks: Rows, streams: Streams, settings: ScoreSettings, protocol: ScoringProtocol
) -> Score:
    given = {tasks[identifier].task for identifier in streams}
    if unfit := sorted(given - set(TRIGGERS)):
        raise BenchmarkError(
            f"there are streams of {', '.join(unfit)}, which are questions; expected streams of "
            f"{', '.join(TRIGGERS)}, and a file of answers for questions"
        )
    used: dict[str, float] = {}
    figures: list[ScoreFigure] = []
    for name in (name for name in TRIGGERS if name in given):
        threshold, window = settings.trigger(*TRIGGERS[name])
        used |= {f"{name} threshold": threshold}
        used |= {f"{name} window": window} if name != "SSR" else {}
        pairs = [(task, streams.get(task.id)) for task in tasks.values() if task.task == name]
        score = {"REC": _score_counting, "CRR": _score_clues, "SSR": _score_steps}[name]
        figures += score(pairs, threshold, window, settings, protocol)
    if "SSR" in given and protocol is ScoringProtocol.ONLINE:
        used["SSR tolerance"] = settings.tolerance
    return Score(
        figures=figures,
        rows=sum(task.task in given for task in tasks.values()),
        missing=[
            task.id for task in tasks.values() if task.task in given and task.id not in streams
        ],
        notes=_unscored(given, GROUPS["forward"]),
        settings=used,
    )


Pairs: TypeAlias = "Sequence[tuple[Any, Stream | None]]"
"""Tasks of one kind, with their streams."""


def _score_counting(
    pairs: Pairs, threshold: float, window: int, _settings: ScoreSettings, protocol: ScoringProtocol
) -> list[ScoreFigure]:
    if protocol is ScoringProtocol.ONLINE:
        return alert_figures(
            [
                judge_alerts(
                    alert_seconds(stream, threshold, window) if stream else [],
                    task.windows,
                    stream.seconds if stream else None,
                )
                for task, stream in pairs
            ],
            "REC ",
        )
    hits = []
    for task, stream in pairs:
        responses = response_seconds(stream, threshold, window) if stream else []
        hits += [
            float(any(start <= time <= end for time in responses)) for start, end in task.windows
        ]
    return [percent("REC", hits)]


def _score_clues(
    pairs: Pairs, threshold: float, window: int, _settings: ScoreSettings, protocol: ScoringProtocol
) -> list[ScoreFigure]:
    asked = [(task, stream and from_second(stream, task.ask_time)) for task, stream in pairs]
    if protocol is ScoringProtocol.ONLINE:
        return alert_figures(
            [
                judge_alerts(
                    alert_seconds(stream, threshold, window) if stream else [],
                    [(task.clue_time, float("inf"))],
                    stream.seconds if stream else None,
                )
                for task, stream in asked
            ],
            "CRR ",
        )
    right = []
    for task, stream in asked:
        responses = response_seconds(stream, threshold, window) if stream else []
        right.append(float(bool(responses) and responses[0] > task.clue_time))
    return [percent("CRR", right)]


def _score_steps(
    pairs: Pairs, threshold: float, _window: int, settings: ScoreSettings, protocol: ScoringProtocol
) -> list[ScoreFigure]:
    rows = [(task.windows, task.steps, stream) for task, stream in pairs]
    return score_narrations(rows, settings, protocol, threshold, "SSR ")


def _contains_yes_or_no(response: str, right: int) -> bool:
    return response == "NY"[right] or ("No", "Yes")[right] in response


def _is_yes_or_no(response: str, right: int) -> bool:
    words = {word for word in re.findall(r"[a-z]+", response.lower()) if word in {"yes", "no"}}
    return words == {("no", "yes")[right]} or response.strip(" .").lower() == "ny"[right]


def _unscored(scored: set[str], names: Sequence[str] = ()) -> list[str]:
    names = names or [name for group in GROUPS.values() for name in group]
    left = [name for name in names if name not in scored]
    return [f"without any prediction, not scored: {', '.join(left)}"] if left else []


def _wrong_group(predictions: Path, identifier: str, task: str) -> BenchmarkError:
    group = next(group for group, names in GROUPS.items() if task in names)
    return BenchmarkError(f"{predictions}, id {identifier} is of {task}; expected it in {group}")


def _times(task: OvoForwardTask) -> list[float]:
    return [probe.realtime for probe in task.probes]
