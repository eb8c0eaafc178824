"""Soak test of the assistant: a day of stream with changing watches, questions, injected faults.

    python bench/soak.py [--hours 24] [--out bench/soak.json] [--resume]

Processes one stream of synthetic scenes with one assistant, faster than real time. After every hour
of stream it writes memory, open files, threads, step times and outcomes of questions. `--resume`
continues a stopped run in a new process, whose memory is compared with its own second hour.

Injected faults, each a failing call of the real part or a bad unit: NaN sound, frames of a wrong
shape, out of memory while encoding, stepping and speaking, and a listener that raises.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from roma_ros.assistant import Assistant, AssistantConfig
from roma_ros.assistant.question_queue import QuestionError
from roma_ros.evaluation.provenance import checkpoint_hashes
from roma_ros.events import Answer, Event, Fault
from roma_ros.thinker import RomaThinker, set_torch_threads
from roma_ros.thinker.checkpoint import resolve_folder
from roma_ros.thinker.session import StreamSession
from roma_ros.units import NS_PER_SECOND, MultimodalUnit
from roma_ros.watch import Watch, WatchKind
from roma_ros.world import Plot, WorldRenderer, make_scene

RESULTS = Path(__file__).parent / "soak.json"
HOUR = 3_600  # units
SCENES, SECONDS = 30, 20  # rendered once, and played again and again
FIRST_WORLD = 800_000  # of the validation split
SETTLED = 2  # memory is compared with this hour
INSTRUCTIONS = (
    "alert me when you hear a beep",
    "alert me every time you hear a knock",
    "alert me when you see a red circle",
    "alert me when you hear two beeps",
)
QUESTIONS = ("Is there a red circle now?", "How many beeps were there so far?", "What do you hear?")
PLACES = ("encode", "step", "speak")  # where memory runs out
EVERY = {  # mean distance between changes or faults, in units
    "watch": 90,
    "question": 40,
    "reset": 1_500,
    "stream": 2_500,
    "nan": 400,
    "shape": 400,
    "memory": 300,
    "listener": 500,
}


class InjectedMemoryError(RuntimeError):
    """Injected out-of-memory error, as torch raises it on a GPU."""


class InjectedListenerError(RuntimeError):
    """Injected error of an event listener."""


@dataclass(frozen=True, slots=True)
class Hour:
    """Measurements of one hour of the stream.

    Attributes:
        hour: number of the hour, from 1.
        process: number of the process that ran it, from 1.
        memory_mb: resident memory at its end in MB.
        files, threads: open files and threads at its end.
        step_ms_p50, step_ms_p99: time of a unit in all sessions, encoders included, in ms.
        seconds: duration of the hour in seconds of real time.
        counts: events by kind, questions by outcome, faults by place, and injected faults.
    """

    hour: int
    process: int
    memory_mb: float
    files: int
    threads: int
    step_ms_p50: float
    step_ms_p99: float
    seconds: float
    counts: dict[str, int]


class Soak:
    """Soak test of one assistant on one stream.

    Args:
        thinker: the weights.
        seed: seed of the schedule of changes, questions and faults.
    """

    def __init__(self, thinker: RomaThinker, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self._draw = random.Random(seed)
        self._pool = _rendered_units()
        self._asked: list[Future[Answer]] = []
        self._raise_once = False
        self._watches = 0
        self._stamp, self._stream, self._index = 0, 0, 0
        self.assistant = Assistant(thinker, AssistantConfig(max_watches=4), self._on_event)
        self.assistant.watch(_watch(0))

    def play(self, unit: int) -> None:
        """Submit one unit with the scheduled changes and faults, and process it."""
        happens = {name for name, every in EVERY.items() if self._draw.random() < 1 / every}
        for name in happens:
            self.counts[f"injected {name}"] += 1
        if "watch" in happens:
            self._change_watches()
        if "reset" in happens:
            self.assistant.reset()
        if "question" in happens:
            self._ask()
        self._raise_once = "listener" in happens
        with _failing(self._draw.choice(PLACES)) if "memory" in happens else _untouched():
            self.assistant.submit(self._next(unit, happens))
            while self.assistant.run_pending():
                pass
        self._asked = [asked for asked in self._asked if not self._ended(asked)]

    def finish(self) -> None:
        """Close, and count the questions without an outcome, of which there must be none."""
        self.assistant.close()
        self._asked = [asked for asked in self._asked if not self._ended(asked)]
        self.counts["question left"] += len(self._asked)

    def _next(self, unit: int, happens: set[str]) -> MultimodalUnit:
        if "stream" in happens:
            self._stream, self._index = self._stream + 1, 0
        made = replace(
            self._pool[unit % len(self._pool)],
            stream=self._stream,
            index=self._index,
            start=self._stamp,
        )
        self._index += 1
        self._stamp += NS_PER_SECOND
        if "nan" in happens:
            made = replace(made, audio=np.full(16_000, np.nan, np.float32))
        if "shape" in happens:
            made = replace(made, frames=np.zeros((2, 3, 900, 3), np.uint8))
        return made

    def _change_watches(self) -> None:
        watches = self.assistant.watches
        if len(watches) > 1 and (len(watches) == 4 or self._draw.random() < 0.5):
            self.assistant.unwatch(self._draw.choice(watches).id)
            return
        self._watches += 1
        self.assistant.watch(_watch(self._watches))

    def _ask(self) -> None:
        try:
            asked = self.assistant.ask(self._draw.choice(QUESTIONS), keep=self._draw.random() < 0.2)
        except QuestionError:
            self.counts["question refused"] += 1
            return
        self._asked.append(asked)
        self.counts["question accepted"] += 1

    def _ended(self, asked: Future[Answer]) -> bool:
        if not asked.done():
            return False
        self.counts["question lost" if asked.exception() else "question answered"] += 1
        return True

    def _on_event(self, event: Event) -> None:
        self.counts[type(event).__name__] += 1
        if isinstance(event, Fault):
            self.counts[f"fault during {event.during}"] += 1
        if self._raise_once:
            self._raise_once = False
            raise InjectedListenerError("a listener that fails")


def _watch(number: int) -> Watch:
    if number % 5 == 4:
        return Watch(
            id=f"narration_{number}",
            kind=WatchKind.NARRATION,
            instruction="Describe what happens, as it happens.",
            threshold=0.5,
        )
    return Watch(
        id=f"alert_{number}",
        kind=WatchKind.ALERT,
        instruction=INSTRUCTIONS[number % len(INSTRUCTIONS)],
        threshold=0.5,
    )


def _rendered_units() -> list[MultimodalUnit]:
    units: list[MultimodalUnit] = []
    for number in range(SCENES):
        scene = make_scene(FIRST_WORLD + number, SECONDS, Plot.SEQUENCE)
        renderer = WorldRenderer(scene)
        units += [renderer.unit(index) for index in range(scene.seconds)]
    return units


@contextmanager
def _failing(place: str) -> Iterator[None]:
    """Make the next call of a real method fail with out of memory."""
    owner: Any = RomaThinker if place == "encode" else StreamSession
    real = getattr(owner, place)
    left = [1]

    def fails(*arguments: Any, **named: Any) -> Any:
        if left:
            left.pop()
            raise InjectedMemoryError("CUDA out of memory (injected)")
        return real(*arguments, **named)

    with mock.patch.object(owner, place, fails):
        yield


@contextmanager
def _untouched() -> Iterator[None]:
    yield


def _note(soak: Soak, hour: int, process: int, began: float) -> Hour:
    gc.collect()
    here = psutil.Process()
    status = soak.assistant.status()
    return Hour(
        hour=hour,
        process=process,
        memory_mb=round(here.memory_info().rss / 1e6, 1),
        files=here.num_fds(),
        threads=threading.active_count(),
        step_ms_p50=round(status.step_p50 * 1e3, 2),
        step_ms_p99=round(status.step_p99 * 1e3, 2),
        seconds=round(time.monotonic() - began, 1),
        counts=dict(sorted(soak.counts.items())),
    )


def _verdict(hours: list[Hour]) -> dict[str, Any]:
    """Return growth of memory and files from hour 2 on, per process, and lost questions."""
    growths, files = [], []
    for process in {hour.process for hour in hours}:
        own = [hour for hour in hours if hour.process == process]
        if len(own) > SETTLED:
            base, later = own[SETTLED - 1], own[SETTLED:]
            growths.append(max(hour.memory_mb for hour in later) / base.memory_mb)
            files.append(max(hour.files for hour in later) - base.files)
    left = sum(hour.counts.get("question left", 0) for hour in hours)
    return {
        "memory over hour 2": round(max(growths), 4) if growths else None,
        "files over hour 2": max(files) if files else None,
        "questions that did not end": left,
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--hours", type=int, default=24, help="hours of stream (default: %(default)s)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the schedule (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="JSON file (default: bench/soak.json)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="continue after the last complete hour of --out"
    )
    arguments = parser.parse_args()
    hours: list[Hour] = []
    if arguments.resume and arguments.out.exists():
        hours = [Hour(**hour) for hour in json.loads(arguments.out.read_text())["hours"]]
    process = max((hour.process for hour in hours), default=0) + 1
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    set_torch_threads(thinker)
    console = Console(stderr=True)
    soak = Soak(thinker, seed=arguments.seed + process)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        task = bar.add_task("soak", total=(arguments.hours - len(hours)) * HOUR)
        while len(hours) < arguments.hours:
            began = time.monotonic()
            soak.counts.clear()
            for unit in range(HOUR):
                soak.play(len(hours) * HOUR + unit)
                bar.advance(task)
            if len(hours) + 1 == arguments.hours:
                soak.finish()
            hours.append(_note(soak, len(hours) + 1, process, began))
            last = hours[-1]
            console.print(
                f"hour {last.hour}: {last.memory_mb} MB, {last.files} files, step "
                f"{last.step_ms_p50}/{last.step_ms_p99} ms, {last.seconds} s"
            )
            _save(arguments.out, hours)
    verdict = _verdict(hours)
    console.print(verdict)
    grown = verdict["memory over hour 2"]
    bad = (grown is not None and grown > 1.02) or verdict["questions that did not end"]
    return int(bool(bad or (verdict["files over hour 2"] or 0) > 0))


def _save(path: Path, hours: list[Hour]) -> None:
    values = {
        "checkpoint": checkpoint_hashes(resolve_folder("roma_tiny")),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, 1),
        "verdict": _verdict(hours),
        "hours": [asdict(hour) for hour in hours],
    }
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main())
