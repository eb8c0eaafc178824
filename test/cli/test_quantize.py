"""`roma quantize` and `roma compare` from the outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.cli import main
from roma_ros.quantize import benchmark
from roma_ros.thinker import RomaThinker
from roma_ros.thinker.bundle import check_bundle


@pytest.mark.slow
def test_a_bundle_is_made_compared_and_run(
    tiny: RomaThinker,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A process of its own takes long to start: here the benchmark runs in this one.
    monkeypatch.setattr(benchmark, "run_benchmark_in_subprocess", benchmark.run_benchmark)
    source, bundle, figures = tmp_path / "source", tmp_path / "bundle", tmp_path / "figures.json"
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("You guard the door.\n")
    tiny.save_pretrained(source)
    made = [str(source), str(bundle), "--recipe", "int8", "--system-prompt-file", str(prompt)]
    assert main(["quantize", *made]) == 0
    assert f"{bundle}: " in capsys.readouterr().out
    assert check_bundle(bundle).quality == {}
    options = ["--streams", "1", "--device", "cpu", "--json", str(figures)]
    assert main(["compare", str(source), str(bundle), *options]) == 0
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
        (["quantize", "--recipe", "int3"], "no recipe 'int3'"),
        (["quantize", "--recipe", "int8", "--system-prompt-file", "/no/such"], "UTF-8"),
        (["compare", "--streams", "0"], "--streams is 0"),
        (["compare", "--json", "/no/such/file.json"], "/no/such is not a folder"),
        (["compare"], "roma_tiny has no manifest.json"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    command, *options = arguments
    second = str(tmp_path / "out") if command == "quantize" else "roma_tiny"
    assert main([command, "roma_tiny", second, *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["roma_tiny", "out"], "required: --recipe"),
        (["--compare", "bundle", "source", "--eval", "3"], "roma compare SOURCE BUNDLE"),
        (["roma_tiny", "out", "--recipe", "nf4", "--compare"], "roma compare SOURCE BUNDLE"),
    ],
)
def test_what_quantize_does_not_do(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["quantize", *arguments])
    assert end.value.code == 2
    assert message in capsys.readouterr().err
