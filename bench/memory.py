"""Ask questions on what left the window 1 to 3 minutes ago, with and without memory.

    python bench/memory.py [--streams 4] [--megabytes 16]

Each unseen continuous stream is processed once by a session with memory and once by one without.
Every 20 s, two questions are asked on the past 3 minutes whose right answer differs from what the
units in sight alone would give: what decides them has left. Results are written to
bench/memory.json: accuracy without and with memory, and of the most frequent answer of each kind;
CPU time of a question and of a step, of one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

from roma_ros.thinker import RomaThinker, StreamSession
from roma_ros.world import QuestionKind, Split, WorldQuestion
from roma_ros.world.continuous import ContinuousStream, make_continuous
from roma_ros.world.questions import asked_again

RESULTS = Path(__file__).parent / "memory.json"
KINDS = tuple(kind for kind in QuestionKind if not kind.name.endswith("_NOW"))
FIRST, EVERY, PAST = 180, 20, 180


def questions_on_what_left(stream: ContinuousStream, unit: int, sight: int) -> list[WorldQuestion]:
    """Return questions on the past whose answer from the last `sight` units would be another."""
    found = []
    in_sight = stream.window(unit, sight)
    for question in stream.questions(unit, 8, KINDS, seconds=PAST):
        seen = asked_again(replace(question, unit=sight - 1), in_sight)
        if seen is None or seen.answer != question.answer:
            found.append(question)
    return found[:2]


def ask(session: StreamSession, question: str, look_back: bool) -> tuple[str, float]:
    """Return the answer and the CPU seconds that it took."""
    begin = time.process_time()
    with session.branch() as branch:
        answer = branch.answer(question, 8, look_back=look_back)
    return answer.strip(), time.process_time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=360)
    parser.add_argument("--megabytes", type=float, default=16)
    arguments = parser.parse_args()
    thinker = RomaThinker.from_pretrained("roma_tiny")
    rows: list[tuple[str, str, str, str]] = []
    seconds: dict[str, list[float]] = defaultdict(list)
    statistics = []
    for number in range(arguments.streams):
        stream = make_continuous(Split.VALIDATION.value.start + 5_000 + number, arguments.seconds)
        with (
            thinker.open_session(memory_megabytes=arguments.megabytes) as session,
            thinker.open_session() as plain,
        ):
            for unit in stream.units():
                encoded = thinker.encode(unit)
                for name, one in (("step, without", plain), ("step, with", session)):
                    begin = time.process_time()
                    one.step(encoded)
                    seconds[name].append(time.process_time() - begin)
                if encoded.index < FIRST or encoded.index % EVERY:
                    continue
                for question in questions_on_what_left(stream, encoded.index, session.units_kept):
                    without, took = ask(plain, question.text, False)
                    seconds["question, without"].append(took)
                    answer, took = ask(session, question.text, True)
                    seconds["question, with"].append(took)
                    rows.append((question.kind.name, question.answer, without, answer))
            assert session.memory is not None
            statistics.append(session.memory.statistics)
    results = summary(rows, seconds)
    results |= {
        "streams": arguments.streams,
        "stream_seconds": arguments.seconds,
        "records": sum(s.records for s in statistics) / len(statistics),
        "units_recorded": sum(s.recorded for s in statistics) / len(statistics),
        "megabytes": sum(s.nbytes for s in statistics) / len(statistics) / 1e6,
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=2))


def summary(
    rows: list[tuple[str, str, str, str]], seconds: dict[str, list[float]]
) -> dict[str, Any]:
    """Return accuracies over all questions and by kind, and mean milliseconds."""
    by_kind: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for kind, right, without, answer in rows:
        by_kind[kind].append((right, without, answer))
    table = {
        kind: {
            "questions": len(asked),
            "majority": max(Counter(right for right, _, _ in asked).values()),
            "without": sum(right == without for right, without, _ in asked),
            "with": sum(right == answer for right, _, answer in asked),
        }
        for kind, asked in sorted(by_kind.items())
    }
    total = len(rows)
    names = ("majority", "without", "with")
    return {
        "questions": total,
        "accuracy": {
            name: round(sum(row[name] for row in table.values()) / total, 3) for name in names
        },
        "right answers by kind": table,
        "mean_ms": {
            name: round(sum(values) / len(values) * 1e3, 2) for name, values in seconds.items()
        },
    }


if __name__ == "__main__":
    main()
