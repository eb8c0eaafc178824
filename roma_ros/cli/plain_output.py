"""Plain lines of a run, for pipes and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from roma_ros.cli.event_text import EventLine, LineKind
from roma_ros.cli.source_time import SourceTime
from roma_ros.cli.text import clock
from roma_ros.events import Event, SpeakProbability

if TYPE_CHECKING:  # playback imports torch, which takes seconds
    from roma_ros.cli.playback import Progress

__all__ = ["PlainOutput"]


class PlainOutput:
    """Printer of one line per event, p(speak) included.

    Args:
        out: text stream to print to.
        quiet: whether to leave out p(speak) and notes.
    """

    def __init__(self, out: TextIO, *, quiet: bool) -> None:
        self._out = out
        self._quiet = quiet

    def __enter__(self) -> PlainOutput:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def take(self, event: Event, seconds: float, source: SourceTime | None = None) -> None:
        """Print an event that happened `seconds` after the run's beginning."""
        when = f"{clock(seconds):>8}" if source is None else str(source)
        if isinstance(event, SpeakProbability):
            if not self._quiet:
                mark = " *" if event.p_speak >= event.threshold else ""
                self._print(when, "p(speak)", event.watch, f"{event.p_speak:.3f}{mark}")
            return
        line = EventLine.of(event, seconds)
        if line is None or line.kind is LineKind.WARNING:  # already on stderr
            return
        if not (self._quiet and line.kind is LineKind.NOTE):
            self._print(when, line.kind.value.upper(), line.watch, line.text)

    def refresh(self, progress: Progress) -> None:
        """Do nothing: lines have no progress display."""

    def _print(self, when: str, what: str, watch: str, text: str) -> None:
        owner = f" {watch}" if watch else ""
        print(f"{when}  {what}{owner}: {text}", file=self._out, flush=True)
