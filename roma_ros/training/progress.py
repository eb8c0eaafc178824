"""Progress of a run: a bar in a terminal, one line per logging step elsewhere."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping
from typing import TextIO

from transformers import ProgressCallback, TrainerCallback, TrainerState

__all__ = ["ProgressBar", "ProgressLines", "figures"]

FIGURES = {
    "loss": "loss {:.3f}",
    "text_accuracy": "text {:.3f}",
    "eval_alert_recall": "eval: alert recall {:.3f}",
    "eval_alert_false_alarms": "false alarms {:.2f}/min",
    "eval_alert_unit_f1": "unit F1 {:.3f}",
    "eval_narration_f1": "narration F1 {:.3f}",
    "eval_question_exact": "answers {:.3f}",
    "speak_f1": "speak F1 {:.3f}",
}
RECENT = 10  # logging steps that the remaining time is estimated from: streams get longer


def figures(logs: Mapping[str, float]) -> str:
    """Format loss, text accuracy and speak F1 of a log entry; empty if it has none of them."""
    return ", ".join(form.format(logs[name]) for name, form in FIGURES.items() if name in logs)


class ProgressBar(ProgressCallback):
    """transformers' progress bar with the newest values beside it, instead of extra lines."""

    def on_log(self, *_: object, logs: Mapping[str, float] | None = None, **__: object) -> None:
        if self.training_bar is not None and (text := figures(logs or {})):
            self.training_bar.set_postfix_str(text)


class ProgressLines(TrainerCallback):
    """One line per logging step, for output that is not a terminal.

    Args:
        out: stream that is written to; `None` for stderr.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out
        self._seen: deque[tuple[int, float]] = deque(maxlen=RECENT + 1)  # steps and seconds

    def on_train_begin(
        self, _args: object, state: TrainerState, _control: object, **_: object
    ) -> None:
        self._seen.clear()
        self._seen.append((state.global_step, time.monotonic()))

    def on_log(
        self,
        _args: object,
        state: TrainerState,
        _control: object,
        logs: Mapping[str, float] | None = None,
        **_: object,
    ) -> None:
        text = figures(logs or {})
        if not text or not state.is_world_process_zero:
            return
        self._seen.append((state.global_step, time.monotonic()))
        (first, since), (last, until) = self._seen[0], self._seen[-1]
        pace = (last - first) / max(until - since, 1e-9)
        left = (state.max_steps - last) / pace if pace > 0 else float("inf")
        print(
            f"step {last}/{state.max_steps}: {text}, {pace:.2f} steps/s, {_clock(left)} left",
            file=self._out or sys.stderr,
            flush=True,
        )


def _clock(seconds: float) -> str:
    """Format hours and minutes, or minutes and seconds."""
    if seconds == float("inf"):
        return "unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
