"""Hostile and clumsy clients against the real node over ROS, and what the operator sees meanwhile.

    python test/flood/flood.py                        every attack, 20 s each
    python test/flood/flood.py png_bomb --seconds 5   one, shorter
    python test/flood/flood.py --list                 what each does

For each attack roma_node is started with roma_tiny, a camera, a microphone and one watch. After 5 s
in peace the attack runs in a process of its own. Measured: the longest time without a p(speak) of
the watch, when diagnostics first were worse than before, how much the node's resident memory grew,
and what the attacker got. An attack fails if the node ends; if there is a gap of more than 2 s and
diagnostics do not say why within 3 s of its start (for one attack they cannot excuse it); if
diagnostics must warn of the attack and do not within 5 s; if the memory grows by more than 500 MB
(1.9 GB for images of 268 MB, of which DDS keeps five);
or if a reply is missing or too long.

A run that was stopped goes on where it was (`--state`). Exit status: 1 if an attack failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]

import psutil  # noqa: E402
import rclpy  # noqa: E402
from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor  # noqa: E402
from rclpy.node import Node  # noqa: E402
from roma_ros.msg import SpeakProbability  # noqa: E402

from roma_ros.nodes.client import RomaClient  # noqa: E402

__all__ = ["ATTACKS", "Attack", "Result", "main", "run_attack"]

PEACE = 5.0  # seconds before the attack
AFTER = 4.0  # seconds after it: the gap may end there
GAP_BAR = 2.0  # seconds without p(speak)
TOLD_BAR = 3.0  # seconds from the beginning of a longer gap until diagnostics are worse
WARNED_BAR = 5.0  # seconds until diagnostics warn of what they must warn of
MEMORY_BAR = 500  # MB
HUGE_IMAGES_BAR = 1_900  # MB: five messages of 268 MB wait in DDS, and two more are under way
WATCH = "normal"


@dataclass(frozen=True)
class Attack:
    """What is done to the node, and what is asked of it besides the bars that hold for all.

    Attributes:
        warns: diagnostics must be worse than before within `WARNED_BAR`.
        compressed: the camera sends JPEG.
        excused: a gap is no failure where diagnostics say why in time.
        longest_gap: seconds without p(speak) that are no failure. A reset discards the unit that is
            under way, so the next one ends up to two units after the last.
        memory: MB by which the node may grow.
        refusal: what of the attacker's observations is wrong; empty if nothing is.
    """

    warns: bool = False
    compressed: bool = False
    excused: bool = True
    longest_gap: float = GAP_BAR
    memory: int = MEMORY_BAR
    refusal: Callable[[dict[str, Any]], str] = lambda _: ""


def _all_replied(observed: dict[str, Any]) -> str:
    missing = observed["asked"] - observed["replies"]
    return f"{missing} requests without a reply" if missing else ""


def _short(observed: dict[str, Any]) -> str:
    longest = max(observed.get("longest_reply", 0), observed.get("longest_message", 0))
    if observed.get("taken"):
        return f"{observed['taken']} watches of a name of a million characters were taken"
    return f"a reply of {longest} characters" if longest > 20_000 else ""


def _replied(observed: dict[str, Any]) -> str:
    replies = observed["replies"]
    return f"replies: {replies}" if set(replies) - {"True", "False"} else ""


ATTACKS = {
    "unknown_parameter_types": Attack(refusal=_replied),
    "thin_images": Attack(),
    "long_instructions": Attack(excused=False, longest_gap=2.5, refusal=_short),
    "png_bomb": Attack(compressed=True),
    "questions_at_once": Attack(refusal=_all_replied),
    "switched_off": Attack(warns=True),
    "resets": Attack(warns=True),
    "second_camera": Attack(warns=True),
    "second_microphone": Attack(warns=True),
    "second_node": Attack(warns=True),
    "other_type": Attack(warns=True),
    "long_names": Attack(refusal=_short),
    "huge_images": Attack(memory=HUGE_IMAGES_BAR),
    "fast_images": Attack(),
}


@dataclass
class Result:
    """What one attack did.

    Attributes:
        gap: longest time without p(speak) of the watch, s.
        told: seconds from the attack's beginning until diagnostics were worse; `None`: never.
        message: what they said then.
        memory: growth of the resident memory, MB: at most.
        observed: what the attacker saw.
        failures: why the attack failed; empty if it did not.
    """

    attack: str
    seconds: float
    gap: float = 0.0
    told: float | None = None
    message: str = ""
    memory: int = 0
    observed: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


class Monitor(Node):
    """Notes when p(speak) of the watch arrives and when diagnostics change for the worse."""

    def __init__(self, namespace: str) -> None:
        super().__init__("monitor", namespace=namespace)
        self._status_name = f"{namespace.lstrip('/')}/roma"
        self.arrivals: list[float] = []
        self.statuses: list[tuple[float, str, int, str]] = []  # time, part, level, message
        topic = "roma/speak_probability"
        self.create_subscription(SpeakProbability, topic, self._on_probability, 50)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def _on_probability(self, message: SpeakProbability) -> None:
        if message.watch == WATCH:
            self.arrivals.append(time.monotonic())

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        now = time.monotonic()
        for status in message.status:
            name, _, part = status.name.partition(": ")
            if name == self._status_name:
                self.statuses.append((now, part, status.level[0], status.message))

    def worst_before(self, moment: float) -> dict[str, int]:
        """Return the last level of each part before a moment."""
        return {part: level for at, part, level, _ in list(self.statuses) if at < moment}

    def first_worse(self, begin: float, end: float) -> tuple[float, str] | None:
        """Return when a part was first worse than at `begin`, and its message."""
        before = self.worst_before(begin)
        for at, part, level, message in list(self.statuses):
            if begin <= at < end and level > before.get(part, 0):
                return at, f"{part}: {message}"
        return None

    def longest_gap(self, begin: float, end: float) -> tuple[float, float]:
        """Return the longest time without p(speak), s, and when it began."""
        times = [begin, *(at for at in list(self.arrivals) if begin < at < end), end]
        return max((b - a, a) for a, b in pairwise(times))


@contextmanager
def process(*arguments: str, log: Any = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
    """Run Python with these arguments until the block ends."""
    started = subprocess.Popen([sys.executable, *arguments], stdout=log, stderr=log)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(10.0)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextmanager
def _monitored(namespace: str) -> Iterator[Monitor]:
    monitor = Monitor(namespace)
    executor = SingleThreadedExecutor()
    executor.add_node(monitor)

    def spin() -> None:
        with suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin, daemon=True)
    thread.start()
    try:
        yield monitor
    finally:
        executor.shutdown()
        thread.join(10.0)
        monitor.destroy_node()  # type: ignore[no-untyped-call]


def run_attack(name: str, seconds: float, log_folder: Path) -> Result:
    """Start the node, attack it, and return what was measured. Needs `rclpy.init`."""
    attack = ATTACKS[name]
    namespace = f"/flood_{os.getpid()}_{name}"
    node = ["-m", "roma_ros.nodes.roma_node", "--ros-args", "-r", f"__ns:={namespace}"]
    node += ["-p", "device:=cpu", "-p", "watches.state_file:=''", "-p", "journal.folder:=''"]
    node += ["-p", "alert.instructions:=['']"]
    if attack.compressed:
        node += ["-p", "image_transport:=compressed"]
    sensors = [str(HERE / "sensors.py"), namespace, *(["compressed"] if attack.compressed else [])]
    with (
        open(log_folder / f"{name}.log", "wb") as log,
        process(*node, log=log) as roma,
        process(*sensors),
        _monitored(namespace) as monitor,
        RomaClient(f"{namespace}/roma") as client,
    ):
        active = client.wait_until_active(120.0)
        watching = client.watch("alert me when a red circle appears", name=WATCH)
        if not (active and watching):
            raise RuntimeError(f"the node cannot be attacked: {active.message}{watching.message}")
        deadline = time.monotonic() + 60.0
        while not monitor.arrivals and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(PEACE)
        return _attacked(name, attack, namespace, seconds, roma, monitor)


def _attacked(
    name: str,
    attack: Attack,
    namespace: str,
    seconds: float,
    roma: subprocess.Popen[bytes],
    monitor: Monitor,
) -> Result:
    result = Result(name, seconds)
    memory = psutil.Process(roma.pid).memory_info().rss
    command = [sys.executable, str(HERE / "attacks.py"), name, namespace, str(seconds)]
    attacker = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    begin, most = time.monotonic(), memory
    output, error = "", ""
    while attacker.poll() is None and time.monotonic() < begin + 3 * seconds + 60.0:
        if roma.poll() is None:
            most = max(most, psutil.Process(roma.pid).memory_info().rss)
        time.sleep(0.05)
    attacker.kill()
    output, error = (text.decode(errors="replace") for text in attacker.communicate())
    ended = time.monotonic()
    time.sleep(AFTER)
    if attacker.returncode == 0:
        result.observed = json.loads(output)
    else:
        result.failures.append(f"the attacker ended by itself: {error.strip()[-300:]}")
    result.memory = int((most - memory) // 2**20)
    gap, gap_begin = monitor.longest_gap(begin, ended + AFTER)
    result.gap = round(gap, 2)
    told = monitor.first_worse(begin, ended)
    if told is not None:
        result.told, result.message = round(told[0] - begin, 1), told[1]
    _judge(result, attack, roma, gap_begin - begin)
    return result


def _judge(result: Result, attack: Attack, roma: subprocess.Popen[bytes], gap_begin: float) -> None:
    fail = result.failures.append
    if roma.poll() is not None:
        fail(f"the node ended: {roma.returncode}")
    told_late = result.told is None or result.told > gap_begin + TOLD_BAR
    if result.gap > attack.longest_gap and (told_late or not attack.excused):
        said = ", and diagnostics do not say why in time" if told_late else ""
        fail(f"{result.gap:.1f} s without p(speak){said}")
    if attack.warns and (result.told is None or result.told > WARNED_BAR):
        fail("diagnostics do not warn of it")
    if result.memory > attack.memory:
        fail(f"{result.memory} MB more")
    if result.observed and (refusal := attack.refusal(result.observed)):
        fail(refusal)


def _show(result: Result) -> None:
    told = "never worse" if result.told is None else f"worse after {result.told} s"
    print(
        f"{'FAILED' if result.failures else 'ok':6} {result.attack}: gap {result.gap:.1f} s, "
        f"diagnostics {told}, memory +{result.memory} MB, {json.dumps(result.observed)}"
    )
    if result.message:
        print(f"         {result.message[:300]}")
    for failure in result.failures:
        print(f"         {failure}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("attack", nargs="*", choices=[*ATTACKS, []], help="default: all")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each attack (default: 20)")
    parser.add_argument("--state", type=Path, help="file that remembers the attacks that were run")
    parser.add_argument("--out", type=Path, help="write the results to this JSON file")
    parser.add_argument("--list", action="store_true", help="list the attacks")
    given = parser.parse_args(arguments)
    if given.list:
        sys.path.insert(0, str(HERE))
        import attacks

        for name, function in attacks.ATTACKS.items():
            print(f"{name:24} {function.__doc__}")
        return 0
    done: dict[str, Any] = {}
    if given.state and given.state.exists():
        done = json.loads(given.state.read_text())
    names = given.attack or list(ATTACKS)
    results: list[Result] = []
    rclpy.init()
    with tempfile.TemporaryDirectory(prefix="roma-flood-") as logs:
        for name in names:
            key = f"{name} {given.seconds:g}"
            result = Result(**done[key]) if key in done else None
            if result is None:
                result = run_attack(name, given.seconds, Path(logs))
                done[key] = asdict(result)
                if given.state:
                    given.state.parent.mkdir(parents=True, exist_ok=True)
                    given.state.write_text(json.dumps(done, indent=1))
            _show(result)
            results.append(result)
    if given.out:
        given.out.write_text(json.dumps([asdict(result) for result in results], indent=1) + "\n")
    failed = sum(bool(result.failures) for result in results)
    print(f"{len(results)} attacks, {failed} failed")
    rclpy.shutdown()
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        print("stopped; with --state the same command goes on here")
        raise SystemExit(130) from None
