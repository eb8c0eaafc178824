"""`roma quantize` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.quantize import benchmark
from roma_ros.thinker import RomaThinker
from roma_ros.thinker.bundle import check_bundle


def test_a_bundle_is_made_compared_and_run(
    tiny: RomaThinker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Each follows in a process of its own, which takes long to start: here in this one.
    monkeypatch.setattr(benchmark, "run_benchmark_in_subprocess", benchmark.run_benchmark)
    source, bundle, figures = tmp_path / "source", tmp_path / "bundle", tmp_path / "figures.json"
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("You guard the door.\n")
    tiny.save_pretrained(source)
    made = [str(source), str(bundle), "--recipe", "int8", "--system-prompt-file", str(prompt)]
    assert main(["quantize", *made]) == 0
    assert f"{bundle}: " in capsys.readouterr().out
    assert check_bundle(bundle).quality == {}
    compared = ["--streams", "1", "--device", "cpu", "--json", str(figures)]
    assert main(["quantize", "--compare", str(bundle), str(source), *compared]) == 0
    shown = capsys.readouterr().out
    assert "p(speak), mean change" in shown
    found = json.loads(figures.read_text())
    assert found["units"] == 20
    assert 0 < found["mean_change"] <= found["max_change"] < 1
    assert found["bundle"]["disk_bytes"] < found["source"]["disk_bytes"]
    assert json.loads(json.dumps(check_bundle(bundle).quality)) == found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a --recipe, or --compare"),
        (["--recipe", "int3"], "no recipe 'int3'"),
        (["--recipe", "int8", "--eval", "3"], "go with --compare"),
        (["--compare", "--streams", "0"], "--streams is 0"),
        (["--compare", "--json", "/no/such/file.json"], "/no/such is not a folder"),
        (["--compare"], "roma_tiny is no bundle; name a bundle first"),
        (["--recipe", "int8", "--system-prompt-file", "/no/such"], "cannot be read as UTF-8"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    out = tmp_path / "out"
    first = "roma_tiny"
    assert (
        main(["quantize", first, str(out) if "--recipe" in arguments else first, *arguments]) == 2
    )
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
