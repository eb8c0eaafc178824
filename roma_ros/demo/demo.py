"""The demo: plays a synthetic stream over ROS into the real node, and checks what it publishes.

media_node plays a film of the synthetic world into roma_node, each in a process of its own, while
alerts and a narration are watched for and questions are asked. The annotations of the world give
the expected messages and their times. Exit status: 0 if exactly those arrived, 1 if not, 2 for a
seed that cannot be used.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from ament_index_python.packages import get_package_share_directory
from rclpy.impl.implementation_singleton import rclpy_implementation
from rich.console import Console

from roma_ros.demo.check import check_run
from roma_ros.demo.plan import DemoPlan, PlanError, make_plan
from roma_ros.demo.record import DemoRecord
from roma_ros.demo.view import DemoView
from roma_ros.nodes.client import Message, Reply, RomaClient
from roma_ros.nodes.media_node import FIRST_STAMP
from roma_ros.nodes.start_errors import describe_start_error
from roma_ros.watch import WatchKind
from roma_ros.world import NARRATION_INSTRUCTION, SceneError, write_film

__all__ = ["Demo", "main"]

SEED = 3_000_000_011
"""Seed of a test world, which is never used for training. Chosen among 16 because roma_tiny gets
everything right in it, so that a wrong row points to the installation (docs/demo.md)."""
UNITS = 26
START_LIMIT = 120.0  # s until the node is active: takes about 10, minutes from a cold disk
PLAY_LIMIT = 60.0  # s for the rest, which takes about 30
LAST_MESSAGES = 10.0  # s to wait for p(speak) after the end of the film
LAST_WORDS = 1.0  # s more for alerts and narrations
ENDING = 5.0  # s that a process gets to end in order
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NODE_PARAMETERS = {"max_backlog": UNITS, "lateness": 0.5}
"""Parameters of the node: on a busy machine units are late, which is shown, and not dropped."""
FPS = 20  # gives both frames of a unit, at +0.0 s and +0.5 s, exactly
ROMA_NODE = (sys.executable, "-m", "roma_ros.nodes.roma_node")
MEDIA_NODE = (sys.executable, "-m", "roma_ros.nodes.media_node")
EXAMPLES = """\
examples:
  make demo
  python -m roma_ros.demo --seed 3000000006
  python -m roma_ros.demo --model runs/stage2/checkpoint
  roma world render --seed 3000000011 --seconds 27 film.mp4    what is played, with annotations
"""


class DemoError(RuntimeError):
    """Raised when the demo cannot be played to its end.

    Args:
        message: what failed.
        process: name of the process whose log is to be shown.
    """

    def __init__(self, message: str, process: str) -> None:
        super().__init__(message)
        self.process = process


class Demo:
    """One run of the demo.

    Args:
        console: console to print on.
        plan: what to play and what is to come.
        folder: folder for the film and the logs of the processes.
        model: checkpoint of the node.
        roma_node: command that starts the roma node.
    """

    def __init__(
        self,
        console: Console,
        plan: DemoPlan,
        folder: Path,
        *,
        model: str = "roma_tiny",
        roma_node: Sequence[str] = ROMA_NODE,
    ) -> None:
        self._console = console
        self._plan = plan
        self._folder = folder
        self._model = model
        self._roma_node = roma_node
        self._deadline = time.monotonic() + START_LIMIT
        self._view = DemoView(console, plan)
        self._record = DemoRecord()

    def run(self) -> int:
        """Play the film, print the results, and return the exit status."""
        self._view.show_plan(self._model)
        try:
            self._play()
        except DemoError as error:
            self._console.print(f"failed: {error}", style="bold red", markup=False)
            self._show_log(error.process)
            return 1
        observed = self._record.observed(self._film_start())
        results = check_run(self._plan, observed)
        self._view.show_results(results, self._record.delays)
        if not observed.units:
            self._show_log("roma_node")
        return int(any(result.fault for result in results))

    def _play(self) -> None:
        film = self._folder / "film.mp4"
        preset = Path(get_package_share_directory("roma_ros"), "config", "cpu_tiny.yaml")
        own = {"watches.state_file": "''", "journal.folder": self._folder / "journal"}
        settings = {"model": self._model, **NODE_PARAMETERS, **own}
        roma_node = self._process(
            "roma_node", self._roma_node, settings, "--params-file", str(preset)
        )
        with roma_node as process, RomaClient(on_message=self._receive) as roma:
            write_film(film, self._plan.scene, fps=FPS)
            self._wait_until_active(roma, process)
            self._begin_watches(roma)
            playing = {"path": film, "wait_for_subscribers": 10.0}
            with self._process("media_node", MEDIA_NODE, playing) as media:
                self._ask(roma, media)
                self._wait_for_rest(media)

    def _wait_until_active(self, roma: RomaClient, process: subprocess.Popen[bytes]) -> None:
        while not (reply := roma.wait_until_active(timeout=min(self._left(), 1.0))):
            if process.poll() is not None or not self._left():
                raise DemoError(f"the node did not start: {reply.message}", "roma_node")
        self._deadline = time.monotonic() + PLAY_LIMIT

    def _begin_watches(self, roma: RomaClient) -> None:
        """Add the watches, with the preset's thresholds and window, and without a cooldown."""
        for alert in self._plan.alerts:
            reply = roma.watch(alert.instruction, name=alert.name, cooldown=0.0)
            _check(reply, f"the watch {alert.name!r} was refused")
        reply = roma.watch(
            NARRATION_INSTRUCTION, name=self._plan.watches[-1], kind=WatchKind.NARRATION
        )
        _check(reply, "the narration was refused")

    def _receive(self, message: Message) -> None:
        """Show and record a message; called in the client's thread."""
        if message.unit < self._plan.units:
            self._view.show(message)
        self._record.add(message)

    def _ask(self, roma: RomaClient, media: subprocess.Popen[bytes]) -> None:
        """Ask each question once its unit was processed under all watches."""
        for question in self._plan.questions:
            while not self._record.wait_for(self._plan.watches, [question.unit], timeout=0.5):
                if media.poll() or not self._left():
                    return  # the results show which units are missing
            reply = roma.ask(question.text, timeout=self._left())
            self._view.show_answer(question, reply)
            self._record.add_answer(reply)

    def _wait_for_rest(self, media: subprocess.Popen[bytes]) -> None:
        """Wait until the film has ended and its messages have arrived."""
        try:
            status = media.wait(timeout=self._left())
        except subprocess.TimeoutExpired:
            raise DemoError(f"it took more than {PLAY_LIMIT:.0f} s to play", "roma_node") from None
        if status:
            raise DemoError("the film was not played", "media_node")
        self._record.wait_for(self._plan.watches, range(self._plan.units), LAST_MESSAGES)
        time.sleep(LAST_WORDS)

    def _film_start(self) -> int | None:
        """Stamp of the first sample, as media_node has logged it, ns."""
        found = re.search(re.escape(FIRST_STAMP) + r" (\d+)", self._log("media_node"))
        return int(found[1]) if found else None

    def _show_log(self, name: str) -> None:
        log = self._log(name)[-2000:] or "(nothing)"
        self._console.print(f"\nlast log lines of {name}:\n{log}", markup=False)

    def _log(self, name: str) -> str:
        path = self._folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _left(self) -> float:
        """Return the seconds until the current deadline."""
        return max(0.0, self._deadline - time.monotonic())

    @contextmanager
    def _process(
        self, name: str, command: Sequence[str], parameters: Mapping[str, object], *options: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a node in a process of its own, and interrupt it at the end."""
        whole = [*command, "--ros-args", *options]
        for key, value in parameters.items():
            whole += ["-p", f"{key}:={value}"]
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                whole, stdout=log, stderr=subprocess.STDOUT, preexec_fn=_die_with_parent
            )
            try:
                yield process
            finally:
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt a process, and kill it if it does not end, even if a signal interrupts the wait."""
    try:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=ENDING)
    finally:
        process.kill()  # nothing, to one that has ended
        process.wait()


_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may take a lock
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def _die_with_parent() -> None:
    """Let the new process end with the demo, also if the demo is killed."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _leave(number: int, _: FrameType | None) -> None:
    """End the demo by an exception, so that its processes are ended and its folder is removed."""
    for other in ENDING_SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # what is left to do takes a few seconds at most
    raise SystemExit(128 + number)


def _check(reply: Reply, problem: str) -> None:
    if not reply:
        raise DemoError(f"{problem}: {reply.message}", "roma_node")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo."""
    parser = argparse.ArgumentParser(
        prog="python -m roma_ros.demo",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=SEED,
        help="of the stream; from 3,000,000,000 on nothing is trained on (default: %(default)s)",
    )
    parser.add_argument(
        "--model", default="roma_tiny", help="folder of a checkpoint (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    if options.model != "roma_tiny" and not Path(options.model).is_dir():
        parser.error(f"--model {options.model} is not a folder")
    try:
        plan = make_plan(options.seed, UNITS)
    except (SceneError, PlanError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 101))
    for number in ENDING_SIGNALS:
        signal.signal(number, _leave)
    try:
        with tempfile.TemporaryDirectory(prefix="roma-demo-") as folder:
            return Demo(Console(), plan, Path(folder), model=options.model).run()
    except rclpy_implementation.RCLError as error:
        print(f"{parser.prog}: {describe_start_error(error)}", file=sys.stderr)
        return 2
