"""The log stands beside the checkpoints, whole after every step, and as a picture."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from transformers import TrainerState

from roma_ros.training.log_plot import LOG_NAME, PLOT_NAME, LogPlot, draw_log, write_log


def entries(count: int) -> list[dict[str, float]]:
    return [
        {
            "step": 20 * (index + 1),
            "loss": 3.0 / (index + 1),
            "text_loss": 2.0 / (index + 1),
            "speak_loss": 1.0 / (index + 1),
            "text_accuracy": index / count,
            "speak_f1": index / count,
            "learning_rate": 1e-3,
            "grad_norm": 1.0,
            "units": 500 * (index + 1) ** 2,
        }
        for index in range(count)
    ]


def test_a_resumed_run_writes_on_from_its_checkpoint(tmp_path: Path) -> None:
    log = LogPlot(tmp_path / "out")
    undone = TrainerState(log_history=entries(5))
    log.on_log(None, undone, None)
    resumed = TrainerState(log_history=[*entries(3), {"step": 70, "loss": 1.0}])
    LogPlot(tmp_path / "out").on_log(None, resumed, None)
    lines = (tmp_path / "out" / LOG_NAME).read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [20, 40, 60, 70]


@pytest.mark.slow
def test_only_the_first_process_writes(tmp_path: Path) -> None:
    log, state = LogPlot(tmp_path), TrainerState(log_history=entries(3))
    state.is_world_process_zero = False
    log.on_log(None, state, None)
    log.on_save(None, state, None)
    assert not list(tmp_path.iterdir())
    state.is_world_process_zero = True
    log.on_log(None, state, None)
    log.on_train_end(None, state, None)
    assert {file.name for file in tmp_path.iterdir()} == {LOG_NAME, PLOT_NAME}


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 2, 100])
def test_any_number_of_entries_is_a_picture(tmp_path: Path, count: int) -> None:
    draw_log(entries(count), tmp_path / "log.png")
    picture = cv2.imread(str(tmp_path / "log.png"))
    assert picture is not None
    assert picture.shape == (720, 1200, 3)
    coloured = np.ptp(picture.astype(int), axis=2) > 60
    assert coloured.any() == (count > 0)


def test_figures_that_are_missing_or_not_numbers_are_left_out(tmp_path: Path) -> None:
    odd: list[dict[str, float]] = [
        {"step": 1, "loss": float("nan")},
        {"step": 2, "grad_norm": 0.0},
        {"step": 3},
    ]
    draw_log([*odd, {"step": 4, "train_runtime": 2.0, "units": 5}], tmp_path / "log.png")
    write_log(odd, tmp_path / "log.jsonl")
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 3
