"""What the demo shows on the terminal, as it comes in over ROS."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from roma_ros.msg import Alert, Narration, SpeakProbability
from roma_ros.nodes.client import AnswerReply, Message
from roma_ros.nodes.demo_tally import Tally

__all__ = ["DemoView"]

BAR = 16  # cells


class DemoView:
    """Prints messages, one line for each unit, alert and narration.

    Args:
        watches: ids, in the order of their columns.
    """

    def __init__(self, console: Console, watches: Sequence[str]) -> None:
        self._console = console
        self._watches = watches
        self._rows: dict[int, dict[str, SpeakProbability]] = defaultdict(dict)

    def show(self, message: Message) -> None:
        """Print a message; p(speak) as soon as that of all watches is there."""
        if isinstance(message, SpeakProbability):
            row = self._rows[message.unit]
            row[message.watch] = message
            if len(row) == len(self._watches):
                self._console.print(self._unit_line(self._rows.pop(message.unit)))
        else:
            self._console.print(_spoken_line(message))

    def show_question(self, question: str) -> None:
        self._console.print(Text.assemble(("  question ", "bold cyan"), question))

    def show_answer(self, reply: AnswerReply) -> None:
        if reply:
            latency = f"  ({reply.latency:.2f} s)"
            self._console.print(
                Text.assemble(("  answer   ", "bold cyan"), _clip(reply.answer), (latency, "dim"))
            )
        else:
            self._console.print(Text.assemble(("  no answer: ", "bold red"), reply.message))

    def show_summary(self, tally: Tally, units: int) -> None:
        table = Table(box=None, padding=(0, 2))
        for column in ("watch", "p(speak)", "alerts", "narrations", "unit's end to message"):
            table.add_column(column)
        for watch in self._watches:
            delays = sorted(tally.delays[watch])
            table.add_row(
                watch,
                f"{len(tally.units[watch])} of {units} units",
                str(tally.alerts[watch]),
                str(tally.narrations[watch]),
                f"median {1000 * delays[len(delays) // 2]:.0f} ms" if delays else "-",
            )
        self._console.print(Panel(table, title="received over ROS", title_align="left"))

    def _unit_line(self, row: dict[str, SpeakProbability]) -> Text:
        line = Text(f"  unit {next(iter(row.values())).unit:3d}  ")
        for watch in self._watches:
            message = row[watch]
            style = "bold green" if message.triggered else "dim"
            line.append(f"{watch} ")
            line.append(_bar(message.p_speak, message.threshold), style)
            line.append(f" {message.p_speak:.3f}   ")
        return line


def _spoken_line(message: Alert | Narration) -> Text:
    name, style = ("ALERT", "bold red") if isinstance(message, Alert) else ("says ", "bold magenta")
    words = f"  {_clip(message.text)}" if message.text else f"  {message.instruction}"
    return Text.assemble(
        (f"  {name} ", style), message.watch, words, (f"  (unit {message.unit})", "dim")
    )


def _bar(p_speak: float, threshold: float) -> str:
    """A bar as long as p(speak), with a mark at the threshold."""
    cells = ["━" if cell < p_speak * BAR else "·" for cell in range(BAR)]
    cells[min(int(threshold * BAR), BAR - 1)] = "┃"
    return "".join(cells)


def _clip(text: str, length: int = 44) -> str:
    printable = "".join(letter if letter.isprintable() else "·" for letter in text)
    return repr(printable if len(printable) <= length else printable[: length - 1] + "…")
