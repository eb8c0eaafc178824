"""The demo: a stream with sound through real topics into the real node, each a process of its own.

`python -m roma_ros.nodes.demo` ends by itself within a minute. Its exit status is 0 only if
p(speak) of every unit and an answer have come back over ROS.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.panel import Panel

from roma_ros.nodes.client import Message, RomaClient
from roma_ros.nodes.demo_clip import CLIP_SECONDS, write_clip
from roma_ros.nodes.demo_tally import Tally
from roma_ros.nodes.demo_view import DemoView
from roma_ros.watch import WatchKind

__all__ = ["main"]

LIMIT = 55.0  # seconds for all of it
UNITS = int(CLIP_SECONDS)
QUESTION = "What has happened so far?"
QUESTION_AT = 8  # unit after which it is asked
WATCHES = ["bell", "room"]
LAST_MESSAGES = 3.0  # seconds to wait for them when all was played

INTRODUCTION = f"""\
{CLIP_SECONDS:.0f} s of picture and sound go through ROS topics into roma_node, in real time.
Two watches: an alert ("bell") and a narration ("room"). The bar is p(speak); ┃ is the threshold.

[bold yellow]roma_tiny is untrained in this version: when it speaks, and what it says, is noise.[/]
What is shown is that all of it works, in real time; load a trained checkpoint for sense."""


class Demo:
    """One run.

    Args:
        folder: for the clip and the processes' logs.
    """

    def __init__(self, console: Console, folder: Path) -> None:
        self._console = console
        self._folder = folder
        self._deadline = time.monotonic() + LIMIT
        self._view = DemoView(console, WATCHES)
        self._tally = Tally()
        self._changed = threading.Condition()

    def run(self) -> int:
        """Returns the exit status."""
        self._console.print(Panel(INTRODUCTION, title="roma_ros", title_align="left"))
        clip = self._folder / "clip.mp4"
        with self._process("roma_node"), RomaClient(on_message=self._receive) as roma:
            write_clip(clip)
            ready = roma.wait_until_active(timeout=self._left())
            if not ready:
                return self._fail(f"the node did not start: {ready.message}", "roma_node")
            watching = roma.watch(
                "Tell me when the bell rings.", name="bell", threshold=0.5, window=2, cooldown=3.0
            ) and roma.watch(
                "Describe the room.", name="room", kind=WatchKind.NARRATION, threshold=0.5
            )
            if not watching:
                return self._fail(f"a watch was refused: {watching.message}", "roma_node")
            with self._process("media_node", path=clip, wait_for_subscribers=10.0) as media:
                answered = self._ask(roma)
                self._wait_for_rest(media)
        self._view.show_summary(self._tally, UNITS)
        return self._judge(answered)

    def _receive(self, message: Message) -> None:
        """In the client's thread."""
        self._view.show(message)
        with self._changed:
            self._tally.add(message)
            self._changed.notify_all()

    def _ask(self, roma: RomaClient) -> bool:
        with self._changed:
            self._changed.wait_for(
                lambda: QUESTION_AT in self._tally.units[WATCHES[0]], timeout=self._left()
            )
        self._view.show_question(QUESTION)
        reply = roma.ask(QUESTION, timeout=self._left())
        self._view.show_answer(reply)
        return bool(reply)

    def _wait_for_rest(self, media: subprocess.Popen[bytes]) -> None:
        """Until all has come, or a moment after all was played."""
        try:
            media.wait(timeout=self._left())
        except subprocess.TimeoutExpired:
            return
        with self._changed:
            self._changed.wait_for(
                lambda: self._tally.is_complete(WATCHES, UNITS), timeout=LAST_MESSAGES
            )

    def _judge(self, answered: bool) -> int:
        for watch in WATCHES:
            missing = self._tally.missing(watch, UNITS)
            if missing:
                return self._fail(f"no p(speak) for {watch} at units {missing}", "media_node")
        if not answered:
            return self._fail("the question got no answer", "roma_node")
        self._console.print(
            f"[bold green]done:[/] p(speak) of all {UNITS} units and the answer came over ROS"
        )
        return 0

    def _fail(self, why: str, culprit: str) -> int:
        log = self._folder / f"{culprit}.log"
        last = log.read_text(errors="replace")[-2000:] if log.exists() else "(none)"
        self._console.print(f"[bold red]failed:[/] {why}\n\nlast words of {culprit}:\n", end="")
        self._console.print(last, markup=False)
        return 1

    def _left(self) -> float:
        """Seconds until the demo has to end."""
        return max(0.0, self._deadline - time.monotonic())

    @contextmanager
    def _process(self, name: str, **parameters: object) -> Iterator[subprocess.Popen[bytes]]:
        """A node in a process of its own, ended as Ctrl-C would."""
        command = [sys.executable, "-m", f"roma_ros.nodes.{name}", "--ros-args"]
        for key, value in parameters.items():
            command += ["-p", f"{key}:={value}"]
        with (self._folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            try:
                yield process
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(timeout=5.0)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo."""
    if arguments if arguments is not None else sys.argv[1:]:
        print(__doc__)
        return 2
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 101))
    with tempfile.TemporaryDirectory(prefix="roma-demo-") as folder:
        return Demo(Console(), Path(folder)).run()


if __name__ == "__main__":
    raise SystemExit(main())
