"""`roma train`: which settings it takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.cli import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no settings; give a stage (stage0, stage1, stage2) or --config FILE"),
        (["stage0", "--config", "stage2.yaml"], "stage0 and --config stage2.yaml are two settings"),
        (["--config", "missing.yaml"], "missing.yaml cannot be read"),
    ],
)
def test_a_stage_or_a_file_but_not_both(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["train", *arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir())
