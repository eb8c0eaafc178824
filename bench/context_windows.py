"""Measure the scores of a checkpoint on one long stream with several context windows.

    python bench/context_windows.py [--scenes 30] [--windows 5 10 20 30 60]
        [--policies evict handover] [--out FILE]

The stream is a sequence of scenes of the validation split. It is processed by one session for each
instruction, window (`context_seconds`) and `context_policy`; `fresh` opens a new session for each
scene. A window or policy that a checkpoint was not trained for shows as missed events and repeated
sentences.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from roma_ros.assistant.watch_session import WatchSession
from roma_ros.evaluation.alert_score import AlertCounts, score_alert
from roma_ros.evaluation.narration_score import NarrationCounts, score_narration
from roma_ros.evaluation.protocol import TriggerSettings
from roma_ros.events import Narration, SpeakProbability
from roma_ros.thinker import ContextPolicy, EncodedUnit, RomaThinker
from roma_ros.watch import DEFAULT_THRESHOLD, Watch, WatchKind
from roma_ros.world import (
    NARRATION_INSTRUCTION,
    PRESENT_KINDS,
    Colour,
    Look,
    Plot,
    Senses,
    Shape,
    Sound,
    Split,
    TimedText,
    WorldEvent,
    WorldRenderer,
    draw_questions,
    make_scene,
    narrate,
)

RESULTS = Path(__file__).parent / "context_windows.json"
FIRST_WORLD = 700_000  # of the validation split: the test split is for `make eval`
SECONDS = 20  # of a scene
QUESTIONS = 4  # a scene, on the present
EVENTS = (
    *(WorldEvent(sound=sound) for sound in (Sound.BEEP, Sound.KNOCK, Sound.BURST, Sound.TONE)),
    *(WorldEvent(sound=sound, count=2) for sound in (Sound.BEEP, Sound.KNOCK)),
    WorldEvent(look=Look(Colour.RED, Shape.CIRCLE)),
    WorldEvent(look=Look(Colour.GREEN, Shape.SQUARE)),
    WorldEvent(look=Look(Colour.BLUE, Shape.STAR)),
    WorldEvent(look=Look(Colour.YELLOW, Shape.TRIANGLE)),
    WorldEvent(look=Look(Colour.PURPLE, Shape.CROSS)),
    WorldEvent(look=Look(Colour.WHITE, Shape.CIRCLE)),
)


@dataclass
class Counts:
    """Counts of all sessions of one window."""

    alerts: AlertCounts
    narrations: NarrationCounts
    asked: int = 0
    answered: int = 0

    def figures(self) -> dict[str, Any]:
        return {
            "events": int(self.alerts.events),
            "recall": round(float(self.alerts.recall), 3),
            "false_alarms_per_minute": round(float(self.alerts.false_alarms_per_minute), 3),
            "unit_f1": round(float(self.alerts.unit_f1), 3),
            "narration_f1": round(float(self.narrations.f1), 3),
            "narration_text": round(float(self.narrations.text_accuracy), 3),
            "sentences_said": int(self.narrations.published),
            "sentences_due": int(self.narrations.due),
            "questions": self.asked,
            "present": round(self.answered / self.asked, 3) if self.asked else None,
        }


@dataclass(frozen=True)
class Setup:
    """What the sessions of one row are opened with."""

    name: str
    window: int
    policy: ContextPolicy
    fresh: bool = False


class WindowRunner:
    """Session of a watch, or without one, reopened for each scene if `fresh`."""

    def __init__(self, thinker: RomaThinker, watch: Watch | None, setup: Setup):
        self.watch_session = WatchSession(watch)
        self._thinker, self._setup = thinker, setup
        self.p_speak: list[float] = []
        self.published: list[TimedText] = []
        self.open()

    def open(self) -> None:
        self.watch_session.open(
            self._thinker, self._setup.window, context_policy=self._setup.policy
        )

    def begin_scene(self) -> None:
        if self._setup.fresh:
            self.watch_session.restart()
            self.open()

    def process(self, unit: EncodedUnit, number: int) -> None:
        events = self.watch_session.step(unit)
        if self.watch_session.can_speak:
            events += self.watch_session.speak(25, 250)
        for event in events:
            if isinstance(event, SpeakProbability):
                self.p_speak.append(event.p_speak)
            elif isinstance(event, Narration):
                self.published.append(TimedText(number, event.text))

    def answer(self, question: str) -> str:
        session = self.watch_session.session
        assert session is not None
        with session.branch() as branch:
            return branch.answer(question, 16).strip()


def total(counts: Sequence[Any]) -> Any:
    kind = type(counts[0])

    def add(one: Any, other: Any) -> Any:
        return kind(**{f.name: getattr(one, f.name) + getattr(other, f.name) for f in fields(kind)})

    return reduce(add, counts)


def alert_watch(number: int, event: WorldEvent) -> Watch:
    return Watch(
        id=f"alert-{number}",
        kind=WatchKind.ALERT,
        instruction=f"alert me when {event.condition}",
        threshold=DEFAULT_THRESHOLD,
    )


def measure(
    thinker: RomaThinker,
    scenes: int,
    windows: Sequence[int],
    policies: Sequence[ContextPolicy],
    first_world: int = FIRST_WORLD,
) -> Iterator[dict[str, Any]]:
    """Process the stream with all windows and policies; yield the scores of each."""
    setups = [Setup("fresh", 60, ContextPolicy.EVICT, fresh=True)]
    setups += [
        Setup(f"{window} {policy.value}", window, policy)
        for window in windows
        for policy in policies
    ]
    alerts = {
        setup.name: [
            WindowRunner(thinker, alert_watch(n, event), setup) for n, event in enumerate(EVENTS)
        ]
        for setup in setups
    }
    plain = {setup.name: WindowRunner(thinker, None, setup) for setup in setups}
    narration = Watch(
        id="n",
        kind=WatchKind.NARRATION,
        instruction=NARRATION_INSTRUCTION,
        threshold=DEFAULT_THRESHOLD,
    )
    narrators = {setup.name: WindowRunner(thinker, narration, setup) for setup in setups}
    labels: list[list[np.ndarray]] = [[] for _ in EVENTS]
    due: list[TimedText] = []
    asked = 0
    right = dict.fromkeys(plain, 0)
    for scene_number in range(scenes):
        seed = Split.VALIDATION.seed(first_world + scene_number)
        scene = make_scene(seed, SECONDS)
        senses = Senses(scene)
        for own, event in zip(labels, EVENTS, strict=True):
            own.append(event.happens(senses))
        questions = draw_questions(scene, QUESTIONS, PRESENT_KINDS, first=2)
        asked += len(questions)
        for name in alerts:
            for runner in (*alerts[name], plain[name]):
                runner.begin_scene()
        for unit in WorldRenderer(scene):
            encoded = thinker.encode(unit)
            number = scene_number * SECONDS + unit.index
            for name, runners in alerts.items():
                for runner in (*runners, plain[name]):
                    runner.process(encoded, number)
                for question in questions:
                    if question.unit == unit.index:
                        right[name] += plain[name].answer(question.text) == question.answer
        story = make_scene(seed, SECONDS, Plot.SEQUENCE)
        due += [
            TimedText(scene_number * SECONDS + segment.end, segment.text)
            for segment in narrate(story)
        ]
        for narrator in narrators.values():
            narrator.begin_scene()
        for unit in WorldRenderer(story):
            encoded = thinker.encode(unit)
            for narrator in narrators.values():
                narrator.process(encoded, scene_number * SECONDS + unit.index)
    for name in alerts:
        scored = [
            score_alert(np.array(runner.p_speak), np.concatenate(own), TriggerSettings())
            for runner, own in zip(alerts[name], labels, strict=True)
        ]
        counts = Counts(
            total(scored), score_narration(due, narrators[name].published), asked, right[name]
        )
        yield {"window": name, **counts.figures()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--model", default="roma_tiny", help="checkpoint folder or roma_tiny (default)"
    )
    parser.add_argument(
        "--scenes", type=int, default=30, help=f"scenes of {SECONDS} s (default: %(default)s)"
    )
    parser.add_argument(
        "--windows",
        type=int,
        nargs="+",
        default=[5, 10, 20, 30, 60],
        metavar="SECONDS",
        help="context windows in seconds (default: %(default)s)",
    )
    parser.add_argument(
        "--policies",
        type=ContextPolicy,
        nargs="+",
        default=list(ContextPolicy),
        metavar="POLICY",
        help="evict, handover or both (default: both)",
    )
    parser.add_argument(
        "--first-world",
        type=int,
        default=FIRST_WORLD,
        metavar="NUMBER",
        help="first world of the validation split (default: %(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="JSON file (default: bench/context_windows.json)"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    thinker = RomaThinker.from_pretrained(arguments.model, device="cpu")
    table = Table(title=f"{thinker.name}, one stream of {arguments.scenes} scenes of {SECONDS} s")
    rows = []
    windows, policies = arguments.windows, arguments.policies
    for row in measure(thinker, arguments.scenes, windows, policies, arguments.first_world):
        rows.append(row)
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console(width=200).print(table)
    arguments.out.write_text(
        json.dumps({"scenes": arguments.scenes, "rows": rows}, indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
