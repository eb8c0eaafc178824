"""What a preset expects of its device is what `roma plan` prints for its own settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from roma_ros.cli import main
from roma_ros.planning import (
    DEVICES,
    GB,
    ModelShape,
    Workload,
    find_device,
    find_weight_format,
    make_plan,
)
from roma_ros.presets import PRESETS, Machine, fitting_preset
from roma_ros.thinker import DEFAULT_CONTEXT_SECONDS, RomaConfig
from roma_ros.thinker.checkpoint import resolve_folder

COMMAND = "#   $ roma "


def command_and_expectation(path: Path) -> tuple[list[str], list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith(COMMAND)]
    expected = [line.removeprefix("#   ") for line in lines[at + 1 :] if line.startswith("#   ")]
    return lines[at].removeprefix(COMMAND).split(), expected


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_expects_what_roma_plan_predicts(
    repository: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, expected = command_and_expectation(repository / "config" / f"{name}.yaml")
    assert main(command) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(expected) == 3
    assert [line for line in printed if line in expected] == expected


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_planned_with_its_own_settings(repository: Path, name: str) -> None:
    path = repository / "config" / f"{name}.yaml"
    command, _ = command_and_expectation(path)
    given = dict(zip(command[1::2], command[2::2], strict=True))
    (node,) = yaml.safe_load(path.read_text(encoding="utf-8")).values()
    values = node["ros__parameters"]
    assert given["--recipe"] == values["quantization"]
    assert int(given["--watches"]) == values["max_watches"]
    assert float(given["--context-seconds"]) == values.get(
        "context_seconds", default_window(values)
    )
    assert values["model"].lower().endswith(given["--model"])


def default_window(values: dict[str, Any]) -> float:
    """What the node takes where a preset leaves it open: what the checkpoint was trained for."""
    if values["model"] != "roma_tiny":
        return DEFAULT_CONTEXT_SECONDS  # of a public checkpoint, which does not say
    return RomaConfig.from_folder(resolve_folder("roma_tiny")).trained_context_seconds or 0


def test_no_preset_is_left_out(repository: Path) -> None:
    assert {path.stem for path in (repository / "config").glob("*.yaml")} == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_leaves_the_device_to_the_machine(repository: Path, name: str) -> None:
    """`roma.launch.py model:=/models/Qwen2.5-Omni-3B` ran on the CPU beside a GPU."""
    (node,) = yaml.safe_load((repository / "config" / f"{name}.yaml").read_text()).values()
    assert not {"device", "dtype"} & set(node["ros__parameters"])


PC = Machine(board="", memory=32 * 2**30)
AGX = Machine(board="NVIDIA Jetson AGX Orin Developer Kit", memory=64 * 2**30)
NX = Machine(board="NVIDIA Orin NX Developer Kit", memory=16 * 2**30)


@pytest.mark.parametrize(
    ("model", "machine", "preset"),
    [
        ("", PC, "cpu_tiny"),
        ("roma_tiny", AGX, "cpu_tiny"),
        ("/models/Qwen2.5-Omni-3B", PC, "desktop_gpu"),
        ("/models/Qwen2.5-Omni-7B", AGX, "jetson_orin_agx"),
        ("/models/Qwen2.5-Omni-3B", NX, "jetson_orin_nx"),
    ],
)
def test_the_preset_that_fits(model: str, machine: Machine, preset: str) -> None:
    assert fitting_preset(model, machine) == preset


def test_this_machine_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Machine.this().memory > 2**30
    board = tmp_path / "model"
    board.write_text("NVIDIA Jetson Orin NX\0")
    monkeypatch.setattr("roma_ros.machine.DEVICE_TREE_MODEL", board)
    assert Machine.this().board == "NVIDIA Jetson Orin NX"
    assert Machine.this().is_jetson


def expected_rows(path: Path) -> list[list[str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] in DEVICES]


def test_the_guide_for_jetsons_expects_what_roma_plan_predicts(repository: Path) -> None:
    rows = expected_rows(repository / "docs" / "jetson.md")
    assert len(rows) >= 5
    for device, model, recipe, *figures in rows:
        plan = make_plan(
            ModelShape.named(model), find_device(device), find_weight_format(recipe), Workload()
        )
        ours = (plan.device.memory - plan.device.reserved) / GB
        assert figures == [
            f"{plan.peak_memory / GB:.1f} of {ours:.1f}",
            f"{plan.real_time_factor:.2f}",
            f"{plan.token * 1e3:.0f}",
        ], f"{device} {model} {recipe}"
