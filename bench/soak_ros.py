"""Soak test of the node over ROS in real time, with a SIGKILL and a restart every few minutes.

    python bench/soak_ros.py [--minutes 60] [--kill-every 180] [--out bench/soak_ros.json]

media_node plays a film of the synthetic world in a loop; roma_node processes it with roma_tiny, is
killed at random times, and restarted with a growing delay. Meanwhile questions are asked, by the
service and by the action, and watches are added, adjusted and removed. A subscriber receives alerts
from the topic, is disconnected at times from before a kill until after the restart, and after each
start fetches missed alerts by `events_since`.

Checks: memory and open files of each process of the node are flat; every question that was asked
while the node ran has an outcome; every alert of the journal on disk was delivered exactly once;
the watches survive the kill; nothing is left in shared memory. Exit status 1 otherwise.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from roma_ros.msg import Alert, SpeakProbability

from roma_ros.demo.plan import make_plan
from roma_ros.events import Alert as AlertEvent
from roma_ros.journal import Record, journal_paths, read_lines
from roma_ros.nodes.client import Message, Outcome, RomaClient
from roma_ros.nodes.stamps import stamp_of
from roma_ros.respawn import BackOff
from roma_ros.watch import WatchKind
from roma_ros.world import NARRATION_INSTRUCTION, write_film

RESULTS = Path(__file__).parent / "soak_ros.json"
PRESET = Path(__file__).parents[1] / "config" / "cpu_tiny.yaml"
SHARED_MEMORY = Path("/dev/shm")
SEED, FILM_SECONDS = 800_002, 57  # of the validation split
START_LIMIT = 180.0  # seconds until the node is active
SETTLE = 30.0  # seconds after which memory and files of an incarnation are to be flat
SAMPLE = 1.0  # seconds between two samples of the process
CHANGE = (8.0, 25.0)  # seconds between two changes of the watches
PAUSE = (0.2, 2.0)  # seconds between two questions
ANSWER_LIMIT = 15.0  # seconds that an answer may take
AWAY, AWAY_SHARE = (5.0, 20.0), 0.5  # seconds before a kill; share of the kills
MEMORY_BAR, FILES_BAR = 1.02, 2
NONE = (  # counts of the verdict that must be 0
    *("questions that did not end", "watches not restored", "segments left"),
    *("alerts not delivered", "alerts delivered and not in the journal", "alerts twice"),
    "alerts published otherwise than written",
)
FEWEST, MOST = 4, 5  # watches


@dataclass(slots=True)
class Incarnation:
    """Record of one process of the node, from its start to its end.

    Attributes:
        number: from 1.
        start_s: from the start of the process until it was active.
        lived_s: from then to its end.
        end: "killed", or "ended" for the last, which is shut down cleanly.
        memory_mb: resident: after 30 s of being active, at the most after that, and at the end.
        files: open, likewise.
        threads: at the end.
        units: seconds of the stream that were judged.
        alerts_live, alerts_found: that came by the topic, and by asking after the start.
        restored: whether the watches were those of before.
        questions: by outcome; "cut off" are those that were open when it was killed.
        slowest_answer_s: of those that were answered.
        swept: its log line on the shared memory of its predecessor.
        shared_memory_left: files in /dev/shm that the killed process had open, that no other
            process of ours has, and that were there right after.
    """

    number: int
    start_s: float = 0.0
    lived_s: float = 0.0
    end: str = ""
    memory_mb: tuple[float, float, float] = (0.0, 0.0, 0.0)
    files: tuple[int, int, int] = (0, 0, 0)
    threads: int = 0
    units: int = 0
    alerts_live: int = 0
    alerts_found: int = 0
    restored: bool = True
    questions: dict[str, int] = field(default_factory=dict)
    slowest_answer_s: float = 0.0
    swept: str = ""
    shared_memory_left: int = 0


class Subscriber:
    """Receiver of alerts, from the topic and after each start from the journal.

    An alert that arrives both ways counts once, by its sequence number. `doubled` are numbers that
    arrived twice the same way, `different` numbers that stand for two different alerts.
    """

    def __init__(self) -> None:
        self.alerts: dict[int, tuple[str, int]] = {}
        self.doubled: list[int] = []
        self.different: list[int] = []
        self.live = self.found = 0
        self._seen_live: set[int] = set()
        self._asked_to = 0

    def on_message(self, message: Message) -> None:
        """Record an alert; called in the client's thread."""
        if isinstance(message, Alert):
            if message.sequence in self._seen_live:
                self.doubled.append(message.sequence)
            self._seen_live.add(message.sequence)
            self.live += 1
            self._take(message.sequence, message.watch, message.header.stamp)

    def catch_up(self, roma: RomaClient) -> None:
        """Fetch the alerts since the last call."""
        more = True
        while more:
            reply = roma.events_since(self._asked_to, kinds=["alert"], limit=100, timeout=30.0)
            if not reply:
                raise SystemExit(f"events_since({self._asked_to}): {reply.message}")
            for event in reply.events:
                if event.sequence <= self._asked_to:
                    self.doubled.append(event.sequence)
                self.found += event.sequence not in self.alerts
                self._take(event.sequence, event.watch, event.header.stamp)
            self._asked_to, more = reply.next, reply.more

    def _take(self, sequence: int, watch: str, stamp: Any) -> None:
        alert = (watch, stamp_of(stamp))
        if self.alerts.setdefault(sequence, alert) != alert:
            self.different.append(sequence)


class QuestionThread:
    """Thread that asks one question after another, whether the node is running or not."""

    def __init__(self, roma: RomaClient, seed: int, questions: Sequence[str]) -> None:
        self.asked: list[tuple[float, float, str]] = []  # begin, end, outcome
        self._roma, self._draw, self._questions = roma, random.Random(seed), questions
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._ask, name="questions")
        self._thread.start()

    def close(self) -> None:
        """Stop, after the outcome of the current question."""
        self._closing.set()
        self._thread.join()

    def judge(self, row: Incarnation, begin: float, end: float) -> None:
        """Count the outcomes of the questions asked from `begin` to `end`, the time of the kill.

        Call it after the run: a question that was pending at the kill has its outcome later.
        """
        counts: Counter[str] = Counter()
        for asked, ended, outcome in self.asked:
            if not begin <= asked < end:
                continue
            cut_off = outcome == Outcome.TIMED_OUT.value and asked + ANSWER_LIMIT > end
            counts["cut off" if cut_off else outcome] += 1
            if outcome == Outcome.SUCCEEDED.value:
                row.slowest_answer_s = max(row.slowest_answer_s, round(ended - asked, 2))
        row.questions = dict(counts)

    def _ask(self) -> None:
        while not self._closing.wait(self._draw.uniform(*PAUSE)):
            begin, question = time.monotonic(), self._draw.choice(self._questions)
            if self._draw.random() < 0.5:
                reply = self._roma.ask(question, timeout=ANSWER_LIMIT)
            else:
                pending = self._roma.begin_ask(question, timeout=ANSWER_LIMIT)
                reply = pending.wait(ANSWER_LIMIT)
            self.asked.append((begin, time.monotonic(), reply.outcome.value))


class Watches:
    """Random changes of the node's watches, with the expected state.

    Args:
        seed: seed of the changes.
        instructions: alert instructions whose events happen in the film.
    """

    def __init__(self, seed: int, instructions: Sequence[str]) -> None:
        self._draw = random.Random(seed)
        self._instructions = instructions
        self._known: dict[str, float] = {}  # id: threshold
        self._unsure: set[str] = set()  # changed without a reply: either is right
        self._made = 0

    def change(self, roma: RomaClient) -> None:
        """Add, adjust or remove one watch; first add watches up to `FEWEST`."""
        what = self._draw.random()
        for _ in range(FEWEST - len(self._known)):
            self._add(roma)
        if what < 0.4 and len(self._known) < MOST:
            self._add(roma)
        elif what < 0.7:
            name = self._draw.choice(sorted(self._known))
            threshold = round(self._draw.uniform(0.3, 0.7), 2)
            if self._did(roma.adjust(name, threshold=threshold, timeout=15.0), name):
                self._known[name] = threshold
        else:
            name = self._draw.choice(sorted(self._known))
            if self._did(roma.unwatch(name, timeout=15.0), name):
                del self._known[name]

    def settle(self, roma: RomaClient) -> bool:
        """Return whether the node's watches are the expected ones."""
        reply = roma.list_watches(timeout=30.0)
        found = {watch.id: round(watch.threshold, 2) for watch in reply.watches}
        sure = {name: value for name, value in self._known.items() if name not in self._unsure}
        there = {name: value for name, value in found.items() if name not in self._unsure}
        self._known, self._unsure = found, set()
        return bool(reply) and sure == there

    def _add(self, roma: RomaClient) -> None:
        self._made += 1
        name, threshold = f"watch_{self._made}", round(self._draw.uniform(0.3, 0.7), 2)
        narrates = self._made % 5 == 3
        reply = roma.watch(
            NARRATION_INSTRUCTION
            if narrates
            else self._instructions[self._made % len(self._instructions)],
            kind=WatchKind.NARRATION if narrates else WatchKind.ALERT,
            name=name,
            threshold=threshold,
            timeout=15.0,
        )
        if self._did(reply, name):
            self._known[name] = threshold

    def _did(self, reply: Any, name: str) -> bool:
        if not reply:
            self._unsure.add(name)
        return bool(reply)


class Soak:
    """Soak test: processes of node and media, their clients, and measurements.

    Args:
        folder: folder for film, logs, journal and stored watches.
        seed: seed of kills, changes and questions.
        kill_every: mean time between two kills in seconds.
        console: output of progress.
    """

    def __init__(self, folder: Path, seed: int, kill_every: float, console: Console) -> None:
        self.incarnations: list[Incarnation] = []
        self.subscriber = Subscriber()
        self.mapped: set[str] = set()  # files of shared memory that our processes have had open
        self._folder, self._kill_every, self._console = folder, kill_every, console
        self._draw = random.Random(seed)
        self._plan = make_plan(SEED, FILM_SECONDS)
        self._watches = Watches(
            seed + 1, [alert.instruction for alert in self._plan.alerts if alert.windows]
        )
        self._delays = BackOff(first=1.0, longest=10.0, steady=20.0)
        self._units: set[int] = set()  # stamps of their ends, ns
        self._roma = RomaClient(on_message=self._on_message)
        self._listener: RomaClient | None = None  # the subscriber's, if it is there
        self._question_thread = QuestionThread(
            self._roma, seed + 2, [question.text for question in self._plan.questions]
        )
        self._changed_at = 0.0
        self._active_spans: list[tuple[float, float]] = []  # of each incarnation

    def run(self, seconds: float, advance: Any) -> None:
        """Start and kill the node until the time is over; the last process is shut down cleanly."""
        film = self._folder / "film.mp4"
        write_film(film, self._plan.scene, fps=20)
        until = time.monotonic() + seconds
        playing = ("-p", f"path:={film}", "-p", "loop:=true")
        with _process(self._folder, "media_node", *playing) as media:
            while True:
                planned = self._draw.uniform(0.5, 1.5) * self._kill_every
                last = time.monotonic() + planned + 1.5 * SETTLE > until
                life = max(until - time.monotonic(), 1.5 * SETTLE) if last else planned
                self._live(life, media, last, advance)
                if last:
                    return
                time.sleep(self._delays.delay(self.incarnations[-1].lived_s))

    def close(self) -> None:
        """Stop all clients, and count the outcomes of questions."""
        self._question_thread.close()
        self._roma.close()
        self._leave()
        for row, life in zip(self.incarnations, self._active_spans, strict=False):
            self._question_thread.judge(row, *life)

    def _live(self, seconds: float, media: psutil.Popen, last: bool, advance: Any) -> None:
        row = Incarnation(len(self.incarnations) + 1)
        self.incarnations.append(row)
        before = (len(self._units), self.subscriber.live, self.subscriber.found)
        name, began = f"roma_node_{row.number}", time.monotonic()
        with _process(self._folder, name, *self._parameters()) as node:
            reply = self._roma.wait_until_active(timeout=START_LIMIT)
            if not reply or node.poll() is not None:
                raise SystemExit(f"the node did not start: {reply.message}; {self._log(name)}")
            active = time.monotonic()
            row.start_s = round(active - began, 1)
            if self._listener is None:
                self._listener = RomaClient(on_message=self.subscriber.on_message)
            self.subscriber.catch_up(self._listener)
            row.restored = self._watches.settle(self._roma)
            away = 0.0
            if not last and self._draw.random() < AWAY_SHARE:
                away = self._draw.uniform(*AWAY)
            self._follow(row, node, media, active + seconds, away, advance)
            if last:
                media.send_signal(signal.SIGINT)
                media.wait(timeout=20.0)
                time.sleep(3.0)  # the last alerts
                assert self._listener is not None
                self.subscriber.catch_up(self._listener)
                self._question_thread.close()
            ended, own = time.monotonic(), _mapped(node.pid)
            node.send_signal(signal.SIGINT if last else signal.SIGKILL)
            node.wait(timeout=20.0)
            row.end = "ended" if last and node.returncode == 0 else f"killed ({-node.returncode})"
            if not last:
                row.shared_memory_left = len(
                    _existing(own) - _mapped(os.getpid()) - _mapped(media.pid)
                )
        row.lived_s = round(ended - active, 1)
        self._active_spans.append((active, ended))
        row.units = len(self._units) - before[0]
        row.alerts_live = self.subscriber.live - before[1]
        row.alerts_found = self.subscriber.found - before[2]
        if found := re.search(r"removed \d+ segments?.*MB\)", self._log(name)):
            row.swept = found[0]
        self._console.print(row)

    def _follow(
        self,
        row: Incarnation,
        node: psutil.Popen,
        media: psutil.Popen,
        end: float,
        away: float,
        advance: Any,
    ) -> None:
        """Change watches and sample memory and files until `end`."""
        settles = time.monotonic() + SETTLE
        samples: list[tuple[float, int]] = []
        while time.monotonic() < end:
            if media.poll() is not None or node.poll() is not None:
                raise SystemExit(f"a process has ended: media {media.poll()}, node {node.poll()}")
            if away and time.monotonic() > end - away:
                self._leave()
            if time.monotonic() > self._changed_at:
                self._watches.change(self._roma)
                self._changed_at = time.monotonic() + self._draw.uniform(*CHANGE)
            for process in (node.pid, media.pid, os.getpid()):
                self.mapped |= _mapped(process)
            if time.monotonic() > settles:
                samples.append((node.memory_info().rss / 1e6, node.num_fds()))
            time.sleep(SAMPLE)
            advance(time.monotonic())
        row.threads = node.num_threads()
        if samples:
            memory, files = zip(*samples, strict=True)
            row.memory_mb = (round(memory[0], 1), round(max(memory), 1), round(memory[-1], 1))
            row.files = (files[0], max(files), files[-1])

    def _on_message(self, message: Message) -> None:
        if isinstance(message, SpeakProbability):
            self._units.add(stamp_of(message.header.stamp))

    def _leave(self) -> None:
        """Disconnect the subscriber until after the next start."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _parameters(self) -> list[str]:
        own = {
            "model": "roma_tiny",
            "max_backlog": 30,
            "journal.folder": self._folder / "journal",
            "watches.state_file": self._folder / "watches.json",
        }
        options = ["--params-file", str(PRESET)]
        for name, value in own.items():
            options += ["-p", f"{name}:={value}"]
        return options

    def _log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")


_LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    _LIBC.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@contextmanager
def _process(folder: Path, name: str, *options: str) -> Iterator[psutil.Popen]:
    """Run a node in a process of its own, which does not outlive this one."""
    module = name.rstrip("0123456789_")
    command = [sys.executable, "-m", f"roma_ros.nodes.{module}", "--ros-args", *options]
    with (folder / f"{name}.log").open("wb") as log:
        process = psutil.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent
        )
        try:
            yield process
        finally:
            with suppress(psutil.NoSuchProcess):
                process.kill()
            process.wait()


def _mapped(process: int) -> set[str]:
    """Return Fast DDS's files of shared memory that a process has mapped or open."""
    try:
        maps = Path(f"/proc/{process}/maps").read_text()
    except OSError:
        return set()
    names = set(re.findall(r"/dev/shm/(\S+)", maps))
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            names.update(re.findall(r"^/dev/shm/(\S+)", os.readlink(descriptor)))
    return {name for name in names if re.match(r"(sem\.)?fast(rtps|dds)_", name)}


def _existing(names: set[str]) -> set[str]:
    return {name for name in names if (SHARED_MEMORY / name).exists()}


def _journal(folder: Path) -> dict[int, tuple[str, int]]:
    """Return watch and stamp of the alerts of the journal on disk, by sequence number."""
    alerts: dict[int, tuple[str, int]] = {}
    for path in journal_paths(folder):
        for record in read_lines(path):
            if isinstance(record, Record) and isinstance(record.event, AlertEvent):
                alerts[record.sequence or 0] = (record.event.watch, record.event.stamp)
    return alerts


def _verdict(soak: Soak, folder: Path, before: set[str]) -> dict[str, Any]:
    rows, took = soak.incarnations, soak.subscriber
    written = _journal(folder / "journal")
    questions: Counter[str] = Counter()
    for row in rows:
        questions.update(row.questions)
    left = _existing(soak.mapped) - before
    settled = [row for row in rows if row.memory_mb[0]]
    return {
        "incarnations": len(rows),
        "kills": sum(row.end.startswith("killed (9)") for row in rows),
        "memory over its 30th second, most": max(
            (round(row.memory_mb[1] / row.memory_mb[0], 4) for row in settled), default=None
        ),
        "memory, last over first incarnation": round(
            settled[-1].memory_mb[0] / settled[0].memory_mb[0], 4
        )
        if settled
        else None,
        "files over its 30th second, most": max(
            (row.files[1] - row.files[0] for row in settled), default=None
        ),
        "questions": dict(questions),
        "questions that did not end": questions["timed out"],
        "alerts in the journal": len(written),
        "alerts delivered": len(took.alerts),
        "alerts not delivered": len(written.keys() - took.alerts.keys()),
        "alerts delivered and not in the journal": len(took.alerts.keys() - written.keys()),
        "alerts twice": len(took.doubled) + len(written) - len(set(written.values())),
        "alerts published otherwise than written": len(took.different)
        + sum(took.alerts[key] != written[key] for key in took.alerts.keys() & written.keys()),
        "watches not restored": sum(not row.restored for row in rows),
        "segments left": sorted(name for name in left if "port" not in name),
        "ports left": sorted(name for name in left if "port" in name),
    }


def _failed(verdict: dict[str, Any], rows: list[Incarnation]) -> list[str]:
    """Return the names of the checks that fail."""
    failed = [name for name in NONE if verdict[name]]
    grown = ("memory over its 30th second, most", "memory, last over first incarnation")
    failed += [name for name in grown if verdict[name] is None or verdict[name] > MEMORY_BAR]
    if (verdict["files over its 30th second, most"] or 0) > FILES_BAR:
        failed.append("files over its 30th second, most")
    if not verdict["alerts in the journal"] or any(row.units < 5 for row in rows):
        failed.append("too little was seen to judge")
    if rows[-1].end != "ended":
        failed.append("the last incarnation was not shut down cleanly")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--minutes", type=float, default=60, help="duration of the test (default: %(default)s)"
    )
    parser.add_argument(
        "--kill-every",
        type=float,
        default=180,
        metavar="SECONDS",
        help="mean time between two kills (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of all random choices (default: %(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="JSON file (default: bench/soak_ros.json)"
    )
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 101))
    console = Console(stderr=True)
    before = set(os.listdir(SHARED_MEMORY))
    with tempfile.TemporaryDirectory(prefix="roma-soak-") as name:
        os.environ["ROS_HOME"] = name
        folder = Path(name)
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        soak = Soak(folder, arguments.seed, arguments.kill_every, console)
        try:
            with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
                task = bar.add_task("soak over ROS", total=arguments.minutes * 60)
                began = time.monotonic()
                soak.run(
                    arguments.minutes * 60,
                    lambda now: bar.update(task, completed=now - began),
                )
        finally:
            soak.close()
        verdict = _verdict(soak, folder, before)
    failed = _failed(verdict, soak.incarnations)
    values = {
        "minutes": arguments.minutes,
        "kill_every_s": arguments.kill_every,
        "seed": arguments.seed,
        "failed": failed,
        "verdict": verdict,
        "incarnations": [asdict(row) for row in soak.incarnations],
    }
    arguments.out.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    console.print(verdict)
    console.print(f"failed: {', '.join(failed)}" if failed else "all bars hold")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
