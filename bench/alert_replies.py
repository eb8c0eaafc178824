"""Measure the text accuracy of alerts with a reply on scenes of the validation split.

    python bench/alert_replies.py [--worlds 40] [--model PATH] [--out FILE]

A checkpoint that was not trained for the text of alerts has `alert_replies: false` in its
roma_config.json, the default; this benchmark gives the evidence.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from roma_ros.assistant.watch_session import WatchSession
from roma_ros.events import Alert, Event
from roma_ros.thinker import RomaThinker
from roma_ros.watch import DEFAULT_THRESHOLD, Watch, WatchKind
from roma_ros.world import Exercise, Split, WorldAlert, WorldRenderer, alert_exercises

RESULTS = Path(__file__).parent / "alert_replies.json"
FIRST_WORLD = 710_000  # of the validation split
SECONDS, ALERTS = 20, 3


def follow(thinker: RomaThinker, exercise: Exercise) -> list[Alert]:
    """Return all alerts of one exercise, with their text."""
    watch = Watch(
        id=exercise.id,
        kind=WatchKind.ALERT,
        instruction=exercise.text,
        threshold=DEFAULT_THRESHOLD,
        reply=True,
    )
    watch_session = WatchSession(watch)
    watch_session.open(thinker, SECONDS)
    events: list[Event] = []
    for unit in WorldRenderer(exercise.scene):
        events += watch_session.step(thinker.encode(unit))
        if watch_session.can_speak:
            events += watch_session.speak(25, 250)
    events += watch_session.close()
    return [event for event in events if isinstance(event, Alert)]


def measure(thinker: RomaThinker, worlds: int) -> dict[str, object]:
    """Compare the text of right alerts with the expected text."""
    found = right = 0
    examples: list[dict[str, str]] = []
    for number in range(worlds):
        seed = Split.VALIDATION.seed(FIRST_WORLD + number)
        for exercise in alert_exercises(seed, SECONDS, ALERTS):
            assert isinstance(exercise.subject, WorldAlert)
            for alert in follow(thinker, exercise):
                if not exercise.subject.labels[alert.unit]:
                    continue  # a false alarm has no expected text
                found += 1
                right += alert.text == exercise.subject.event.report
                if len(examples) < 8:
                    examples.append({"due": exercise.subject.event.report, "said": alert.text})
    return {"worlds": worlds, "alerts_found": found, "words_right": right, "examples": examples}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--model", default="roma_tiny", help="checkpoint folder or roma_tiny (default)"
    )
    parser.add_argument(
        "--worlds", type=int, default=40, help="number of scenes (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="JSON file (default: bench/alert_replies.json)"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    thinker = RomaThinker.from_pretrained(arguments.model, device="cpu")
    result = measure(thinker, arguments.worlds)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
