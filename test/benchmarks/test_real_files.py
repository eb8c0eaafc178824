"""Readers on the real annotation files: every row is read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from roma_ros.benchmarks.didemo import read_descriptions
from roma_ros.benchmarks.ovo_format import OvoClue, OvoCounting, OvoQuestion, OvoSteps, read_tasks
from roma_ros.benchmarks.qvhighlights import read_moments
from roma_ros.benchmarks.streamingbench import read_stream_questions

FIVE_OPTIONS = {"./videos/sample_40_Scene_Understanding_26-50.mp4#3"}


def test_qvhighlights(real_data: Path) -> None:
    file = real_data / "qvhighlights_val.jsonl"
    moments = read_moments(file)
    raw = [json.loads(line) for line in file.read_text().splitlines()]
    assert [moment.qid for moment in moments.values()] == [str(row["qid"]) for row in raw]
    assert [[list(w) for w in moment.windows] for moment in moments.values()] == [
        row["relevant_windows"] for row in raw
    ]
    assert all(end - start <= 150 for _, start, end in (m.span for m in moments.values()))


def test_ovo_bench(real_data: Path) -> None:
    tasks = read_tasks(real_data / "ovo_bench.json")
    kinds = [type(task) for task in tasks.values()]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        OvoQuestion: 1468,
        OvoCounting: 82,
        OvoSteps: 42,
        OvoClue: 48,
    }
    probes = sum(len(getattr(task, "probes", ())) for task in tasks.values())
    assert probes == 698 + 629 + 240


def test_didemo(real_data: Path) -> None:
    descriptions = read_descriptions(real_data / "didemo_val_first600.json")
    assert len(descriptions) == 600
    assert sum(len(row.spans) == 7 for row in descriptions.values()) == 8
    assert all(0 <= row.event[0] < row.event[1] <= 30 for row in descriptions.values())


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("streamingbench_proactive_50.json", 51),
        ("streamingbench_sqa_stream.json", 250),
        ("streamingbench_real_stream_first60.json", 301),
        ("streamingbench_omni_stream_first60.json", 300),
    ],
)
def test_streamingbench(real_data: Path, name: str, count: int) -> None:
    questions = read_stream_questions(real_data / name)
    raw = [
        row for video in json.loads((real_data / name).read_text()) for row in video["questions"]
    ]
    assert len(questions) == len(raw) == count
    for question, row in zip(questions.values(), raw, strict=True):
        hours, minutes, seconds = map(int, row["time_stamp"].split(":"))
        assert question.time == 3600 * hours + 60 * minutes + seconds
        if question.due is None:
            # Empty options and pieces of one are repaired; one question has a fifth option.
            assert len(question.options) == (5 if question.id in FIVE_OPTIONS else 4)
            labels = [re.match(r"[A-D]\. ?(?=[A-D]\. )", option) for option in row["options"]]
            twice = sum(label is not None for label in labels)
            left = sum(option[:3] in {"A. ", "B. ", "C. ", "D. "} for option in question.options)
            assert left == twice
        else:
            assert question.time < question.due
