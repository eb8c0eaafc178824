"""The short form of `make flood`: two attacks of a few seconds; and how attacks are judged."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

FLOOD = Path(__file__).parents[1] / "flood" / "flood.py"


@pytest.mark.parametrize("attack", ["unknown_parameter_types", "png_bomb"])
def test_the_node_goes_on_under_an_attack(attack: str) -> None:
    command = [sys.executable, str(FLOOD), attack, "--seconds", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ok     {attack}: gap " in done.stdout


def test_every_attack_of_the_program_has_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FLOOD.parent)
    flood, attacks = importlib.import_module("flood"), importlib.import_module("attacks")
    assert set(flood.ATTACKS) == set(attacks.ATTACKS)


@pytest.mark.parametrize(
    ("measured", "attack", "gap_begin", "failures"),
    [
        ({"gap": 1.9}, {}, 0.0, []),
        ({"gap": 2.1}, {}, 0.0, ["2.1 s without p(speak), and diagnostics do not say why in time"]),
        ({"gap": 9.0, "told": 6.0}, {}, 4.0, []),
        ({"gap": 9.0, "told": 8.0}, {}, 4.0, ["9.0 s without p(speak)"]),
        ({"gap": 9.0, "told": 6.0}, {"excused": False}, 4.0, ["9.0 s without p(speak)"]),
        ({}, {"warns": True}, 0.0, ["diagnostics do not warn of it"]),
        ({"told": 5.5}, {"warns": True}, 0.0, ["diagnostics do not warn of it"]),
        ({"told": 4.5}, {"warns": True}, 0.0, []),
        ({"memory": 501}, {}, 0.0, ["501 MB more"]),
        ({"observed": {"x": 1}}, {"refusal": lambda _: "a reply is missing"}, 0.0, ["a reply"]),
    ],
)
def test_what_fails_an_attack(monkeypatch, measured, attack, gap_begin, failures) -> None:
    monkeypatch.syspath_prepend(FLOOD.parent)
    flood = importlib.import_module("flood")
    result = flood.Result("some", 20.0, **measured)
    running = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        flood._judge(result, flood.Attack(**attack), running, gap_begin)
    finally:
        running.communicate(b"\n", timeout=60)
    assert len(result.failures) == len(failures)
    assert all(a.startswith(b) for a, b in zip(result.failures, failures, strict=True))
    flood._judge(result, flood.Attack(**attack), running, gap_begin)
    assert "the node ended: 0" in result.failures


def test_diagnostics_that_were_bad_before_are_no_warning_of_the_attack(monkeypatch) -> None:
    monkeypatch.syspath_prepend(FLOOD.parent)
    flood = importlib.import_module("flood")
    monitor = flood.Monitor.__new__(flood.Monitor)
    monitor.statuses = [
        (1.0, "units", 1, "old"),
        (3.0, "units", 1, "old"),
        (4.0, "graph", 1, "new"),
    ]
    monitor.arrivals = [1.0, 2.0, 5.5, 6.0]
    assert monitor.first_worse(2.0, 9.0) == (4.0, "graph: new")
    assert monitor.longest_gap(1.5, 6.5) == (3.5, 2.0)
