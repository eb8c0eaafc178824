"""Terminal output of the demo."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from roma_ros.demo.check import ALIGNMENT, LATE, NARRATION_TOLERANCE, CheckResult
from roma_ros.demo.plan import NARRATION, DemoPlan, PlannedQuestion
from roma_ros.msg import Alert, Narration, SpeakProbability
from roma_ros.nodes.client import AnswerReply, Message

__all__ = ["DemoView"]

LEVELS = "▁▂▃▄▅▆▇█"
LONGEST = 100  # characters that are shown of a text

RULES = (
    f"An alert must be raised within the units of its event (late: up to {LATE} units after). A "
    f"narration must come within {NARRATION_TOLERANCE} unit of the end of its segment, with the "
    f"exact text. The units must be the film's seconds to {1000 * ALIGNMENT:.0f} ms."
)


class DemoView:
    """Printer of the plan, of a line for each unit, alert, narration and question, and a table."""

    def __init__(self, console: Console, plan: DemoPlan) -> None:
        self._console = console
        self._plan = plan
        self._rows: dict[int, dict[str, SpeakProbability]] = defaultdict(dict)

    def show_plan(self, model: str) -> None:
        """Print the plan and the name of the checkpoint."""
        plan = self._plan
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for alert in plan.alerts:
            table.add_row(Text(alert.name, "bold"), alert.instruction)
        table.add_row(Text(NARRATION, "bold"), "what happens, whenever something has ended")
        self._console.print(
            f"A synthetic stream of {plan.units} s (seed {plan.scene.seed}), played as a film by "
            f"media_node into roma_node, in real time.\nThe checkpoint is {model}. A dot marks "
            "the units at which a watch should trigger.\n"
        )
        self._console.print(Panel(table, title="watches", title_align="left"))

    def show(self, message: Message) -> None:
        """Print a message; p(speak) of a unit once it has arrived for all watches."""
        if isinstance(message, SpeakProbability):
            row = self._rows[message.unit]
            row[message.watch] = message
            if len(row) == len(self._plan.watches):
                self._console.print(self._unit_line(self._rows.pop(message.unit)))
        else:
            self._console.print(_spoken_line(message))

    def show_answer(self, question: PlannedQuestion, reply: AnswerReply) -> None:
        """Print a question and its answer."""
        answer = _printable(reply.answer) if reply else f"no answer: {reply.message}"
        latency = f"  ({1000 * reply.latency:.0f} ms)" if reply else ""
        self._console.print(
            Text.assemble(
                ("  ASK   ", "bold cyan"), question.text, "  ", (answer, "bold"), (latency, "dim")
            )
        )

    def show_results(self, results: Sequence[CheckResult], delays: Sequence[float]) -> None:
        """Print the table of results and the median delay."""
        table = Table(title="results", title_justify="left", expand=True)
        table.add_column("what", ratio=3)
        table.add_column("expected", ratio=4)
        table.add_column("got", ratio=4)
        table.add_column("result", ratio=2)
        for result in results:
            verdict = Text(result.fault, "bold red") if result.fault else Text("right", "green")
            got = Text(_printable(result.got))
            table.add_row(Text(result.what), Text(result.expected), got, verdict)
        self._console.print(table)
        self._console.print(RULES, style="dim")
        faults = Counter((result.what, result.fault) for result in results if result.fault)
        for (what, fault), count in faults.items():
            times = f" ({count} times)" if count > 1 else ""
            self._console.print(f"wrong: {what}: {fault}{times}", style="bold red", markup=False)
        if not faults:
            self._console.print(f"All {len(results)} are right.", style="bold green")
        if delays:
            median = sorted(delays)[len(delays) // 2]
            self._console.print(f"From a unit's end to its p(speak): median {1000 * median:.0f} ms")

    def _unit_line(self, row: dict[str, SpeakProbability]) -> Text:
        unit = next(iter(row.values())).unit
        line = Text(f"{unit:3d} ")
        for watch in self._plan.watches:
            message = row[watch]
            style = "bold green" if message.triggered else "dim"
            mark = "•" if self._plan.should_trigger(watch, unit) else " "
            line.append(f"{mark}{watch} ")
            line.append(f"{_level(message.p_speak)} {100 * message.p_speak:.0f}%".ljust(6), style)
        return line


def _spoken_line(message: Alert | Narration) -> Text:
    is_alert = isinstance(message, Alert)
    name, style = ("ALERT", "bold red") if is_alert else ("NARRATION", "bold magenta")
    words = _printable(message.text) if message.text else message.instruction
    return Text.assemble(
        (f"  {name} ", style), message.watch, f": {words}", (f"  (unit {message.unit})", "dim")
    )


def _level(p_speak: float) -> str:
    return LEVELS[min(int(p_speak * len(LEVELS)), len(LEVELS) - 1)]


def _printable(text: str) -> str:
    printable = "".join(letter if letter.isprintable() else "·" for letter in text)
    return printable if len(printable) <= LONGEST else printable[: LONGEST - 1] + "…"
