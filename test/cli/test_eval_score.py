"""`roma eval score`: table, JSON, notes, errors and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.cli import main

ANNOTATIONS = (
    '{"id": "a", "answer": {"segment": [5, 8]}}\n{"id": "b", "answer": {"segment": [2, 4]}}\n'
)
PREDICTIONS = '{"id": "a", "answer": [5, 8], "pred": [6, 20]}\n'


def cells(printed: str, name: str) -> list[str]:
    """The cells of a row of the table."""
    (row,) = [line for line in printed.splitlines() if line.startswith(f"│ {name} ")]
    return [cell.strip() for cell in row.strip("│").split("│")]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "truth.jsonl").write_text(ANNOTATIONS)
    (tmp_path / "mine.jsonl").write_text(PREDICTIONS)
    return [
        *("eval", "score", "omnimmi_pa", "--annotations", str(tmp_path / "truth.jsonl")),
        *("--predictions", str(tmp_path / "mine.jsonl")),
    ]


def test_a_table_and_a_file(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main([*files, "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "OmniMMI, proactive alerts, protocol official" in printed
    assert cells(printed, "accuracy") == ["accuracy", "50.00", "%", "2"]
    assert "note: 1 of 2 rows have no prediction and count as wrong: b" in printed
    assert f"results: {out}" in printed
    result = json.loads(out.read_text())
    assert result["figures"]["precision"] == {"value": 25.0, "unit": "%", "count": 2}
    assert result["missing"] == ["b"]
    assert result["annotations"]["name"] == "truth.jsonl"
    assert len(result["predictions"]["sha256"]) == 64


def test_streams_and_settings(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    p = [0.1] * 5 + [0.6] * 3 + [0.1] * 2
    (tmp_path / "mine.jsonl").write_text(json.dumps({"id": "a", "p": p}) + "\n")
    assert main([*files, "--protocol", "online", "--threshold", "0.6", "--window", "2"]) == 0
    printed = capsys.readouterr().out
    assert "2 annotation rows, threshold 0.6, window 2" in printed
    (row,) = [line for line in printed.splitlines() if "latency, median" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "latency, median",
        "2.00",
        "s",
        "1",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"id": "a", "answer": [5, 8]}\n', "mine.jsonl, row 1: pred is missing; expected seconds"),
        ("{", "mine.jsonl, row 1 is not JSON: "),
        ('{"id": "z", "answer": [5, 8], "pred": 1}', "id 'z' is in no annotation row; give the"),
        (PREDICTIONS * 2, "mine.jsonl, row 2: id 'a' stands twice; expected one row"),
    ],
)
def test_a_file_that_does_not_fit(
    files: list[str],
    tmp_path: Path,
    content: str,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "mine.jsonl").write_text(content)
    assert main(files) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert line.startswith("roma: error: ")
    assert message in line
    assert captured.out == ""


def test_a_setting_a_protocol_and_a_folder_that_do_not_fit(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*files, "--threshold", "2"]) == 2
    assert "threshold is 2; expected a number in (0, 1]" in capsys.readouterr().err
    assert main(["eval", "score", "egoschema", *files[3:], "--protocol", "roma"]) == 2
    assert "egoschema has no protocol roma; expected official" in capsys.readouterr().err
    assert main([*files, "--json", str(tmp_path / "no" / "out.json")]) == 2
    assert "is not a folder; create it first" in capsys.readouterr().err
    assert main([*files, "--json", str(tmp_path)]) == 1
    assert "cannot be written: Is a directory" in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as end:
        main(["eval", "score", "--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "usage: roma eval score [OPTIONS] NAME"
    assert [line for line in printed if len(line) > 80] == []


def test_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"v{number}" for number in range(30)]
    rows = [{"id": name, "answer": {"segment": [5, 8]}} for name in names]
    p = [0.1] * 5 + [0.6] * 3 + [0.1] * 2
    streams = [{"id": name, "p": p} for name in names]
    for file, content in (("truth", rows), ("p", streams)):
        (tmp_path / file).write_text("".join(json.dumps(row) + "\n" for row in content))
    out = tmp_path / "out.json"
    command = [
        *("eval", "sweep", "omnimmi_pa", "--annotations", str(tmp_path / "truth")),
        *("--predictions", str(tmp_path / "p"), "--json", str(out)),
    ]
    assert main([*command, "--thresholds", "0.9", "0.5", "--windows", "4", "2"]) == 0
    printed = capsys.readouterr().out
    assert "OmniMMI, proactive alerts, protocol online: alert F1" in printed
    assert "100.00 *" in printed
    assert "chosen: threshold 0.5, window 2; on the validation part 100.00" in printed
    result = json.loads(out.read_text())
    assert len(result["points"]) == 4
    assert result["rest"]["figures"]["alert F1"]["value"] == 100
    assert main([*command, "--share", "2"]) == 2
    assert "share is 2; expected a number between 0 and 1" in capsys.readouterr().err
