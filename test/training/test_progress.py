"""A line per logging step says how it goes and how long it will take."""

from __future__ import annotations

import io
import itertools

import pytest
from transformers import TrainerState

from roma_ros.training.progress import ProgressBar, ProgressLines

LOGS = {"loss": 1.25, "text_accuracy": 0.5, "speak_f1": 0.75, "learning_rate": 1e-3}


def test_a_line_has_figures_pace_and_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count(0, 10)
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    out = io.StringIO()
    lines, state = ProgressLines(out), TrainerState(global_step=100, max_steps=4_000)
    lines.on_train_begin(None, state, None)  # resumed: the first 100 steps took no time
    for step in (120, 140):
        state.global_step = step
        lines.on_log(None, state, None, logs=LOGS)
    assert out.getvalue().splitlines() == [
        "step 120/4000: loss 1.250, text 0.500, speak F1 0.750, 2.00 steps/s, 32 min 20 s left",
        "step 140/4000: loss 1.250, text 0.500, speak F1 0.750, 2.00 steps/s, 32 min 10 s left",
    ]
    state.max_steps = 40_000
    lines.on_log(None, state, None, logs={"loss": 2.0})
    assert "loss 2.000, 1.33 steps/s, 8 h 18 min left" in out.getvalue()


def test_a_summary_and_other_processes_say_nothing() -> None:
    out = io.StringIO()
    lines, state = ProgressLines(out), TrainerState(global_step=1, max_steps=2)
    lines.on_train_begin(None, state, None)
    lines.on_log(None, state, None, logs={"train_runtime": 5.0})
    state.is_world_process_zero = False
    lines.on_log(None, state, None, logs=LOGS)
    assert out.getvalue() == ""


def test_the_bar_shows_the_newest_figures(capsys: pytest.CaptureFixture[str]) -> None:
    bar, state = ProgressBar(), TrainerState(global_step=0, max_steps=2)
    bar.on_train_begin(None, state, None)
    bar.on_log(None, state, None, logs=LOGS)
    state.global_step = 2
    bar.on_step_end(None, state, None)
    bar.on_train_end(None, state, None)
    assert "loss 1.250, text 0.500, speak F1 0.750" in capsys.readouterr().err
    bar.on_log(None, state, None, logs=LOGS)  # a summary, when the bar is gone
