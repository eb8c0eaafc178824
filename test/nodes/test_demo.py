"""The demo: the film that it plays, into the real node with a thinker that knows what is right."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from roma_ros.demo import demo as demo_module
from roma_ros.demo.demo import PLAY_LIMIT, START_LIMIT, UNITS, Demo, main
from roma_ros.demo.plan import make_plan

from .conftest import until

STREAM = 3_000_000_006  # of what the oracle is played: something of each kind happens early in it
SHORT = 14  # units: the oracle needs no more, and the demo is no faster than real time
SIGHT = 40.0  # grey levels, over 8x8 pixels; a figure that is missing makes 60 and more
SOUND = 0.01  # RMS, full scale 1; the quietest sound makes more


WITH_ORACLE = str(Path(__file__).with_name("demo_with_oracle.py"))
RUNS = {
    "none": (sys.executable, WITH_ORACLE, str(STREAM), str(SHORT), "none"),
    "mute": (sys.executable, WITH_ORACLE, str(STREAM), str(SHORT), "mute"),
    "roma_tiny": (sys.executable, "-m", "roma_ros.demo"),
}


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, tuple[subprocess.Popen[str], Path]]]:
    """Runs of the demo and their folders, all at once: a film takes its time and little else."""
    started = {}
    domain = int(os.environ.get("ROS_DOMAIN_ID", "0"))
    for number, (name, command) in enumerate(RUNS.items(), start=1):
        folder = tmp_path_factory.mktemp(name)
        own = {"ROS_DOMAIN_ID": str((domain + number) % 102), "ROMA_DEMO_FOLDER": str(folder)}
        process = subprocess.Popen(
            command,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started[name] = process, folder
    yield started
    for process, _ in started.values():
        process.kill()
        process.communicate()


def end_of(run: tuple[subprocess.Popen[str], Path]) -> tuple[int, str, Path]:
    """The exit status of a run, what it printed, and its folder."""
    process, folder = run
    printed, _ = process.communicate(timeout=START_LIMIT + PLAY_LIMIT + 60)
    return process.returncode, printed, folder


def test_a_node_that_does_all_right_passes_and_its_units_are_the_worlds(runs):
    status, printed, folder = end_of(runs["none"])
    assert status == 0, printed
    assert "are right" in printed
    units = [json.loads(line) for line in (folder / "units.jsonl").read_text().splitlines()]
    assert [unit["unit"] for unit in units] == list(range(SHORT))
    assert all(unit["audio"] < SOUND for unit in units)
    assert all(unit["pixels"] < SIGHT for unit in units)
    assert not any(unit["filled"] for unit in units)


def test_a_node_that_never_triggers_but_answers_fails_for_that_alone(runs):
    status, printed, _ = end_of(runs["mute"])
    assert status == 1, printed
    assert "wrong: visual: missed" in printed
    assert "wrong: narration: missed" in printed
    assert "wrong answer" not in printed


def test_roma_tiny_is_judged_as_make_demo_does_it(runs):
    status, printed, _ = end_of(runs["roma_tiny"])
    assert status == int("wrong: " in printed), printed
    assert ("are right" in printed) == (status == 0)
    assert f"{UNITS} units" in printed
    assert "ASK" in printed


def test_a_node_that_never_starts_and_ignores_ctrl_c_is_gone_with_the_demo(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_module, "START_LIMIT", 1.5)
    monkeypatch.setattr(demo_module, "ENDING", 0.5)
    stubborn = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"
    before = psutil.Process().children(recursive=True)
    printed = io.StringIO()
    node = (sys.executable, "-c", stubborn)
    demo = Demo(Console(file=printed), make_plan(STREAM, SHORT), tmp_path, roma_node=node)
    assert demo.run() == 1
    assert "the node did not start" in printed.getvalue()
    assert set(psutil.Process().children(recursive=True)) == set(before)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.long)]
)
def test_a_demo_that_is_killed_leaves_no_node_and_no_folder(tmp_path, number):
    command = [sys.executable, "-m", "roma_ros.demo"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    demo = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    process = psutil.Process(demo.pid)

    def nodes() -> list[psutil.Process]:
        return [p for p in process.children() if "roma_ros.nodes.roma_node" in p.cmdline()]

    (node,) = until(nodes, "the demo starts its node")
    demo.send_signal(number)
    printed, _ = demo.communicate(timeout=20.0)
    assert demo.returncode == {signal.SIGTERM: 128 + number, signal.SIGKILL: -number}[number]
    assert "Traceback" not in printed
    _, alive = psutil.wait_procs([node], timeout=10.0)
    assert not alive
    if number != signal.SIGKILL:  # which leaves nobody to remove the folder
        assert not list(tmp_path.glob("roma-demo-*"))


@pytest.mark.parametrize("seed", ["-1", "4000000000"])
def test_a_seed_of_no_world_is_refused_with_the_reason(seed, capsys):
    assert main(["--seed", seed]) == 2
    assert "seed" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_refused_at_once(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--model", "/no/such/folder"])
    assert "/no/such/folder is not a folder" in capsys.readouterr().err
