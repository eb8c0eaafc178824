"""docs/parameters.md and the table of README.md are what the specifications give."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.nodes.parameter_page import (
    BEGIN,
    END,
    IN_README,
    NODES,
    main,
    page,
    readme_table,
    with_readme_table,
)
from roma_ros.nodes.parameters import SPECS
from roma_ros.units import AssemblerConfig, AssemblerConfigError

HOW = "run `python -m roma_ros.nodes.parameter_page`"


def test_the_page_is_up_to_date(repository: Path):
    assert (repository / "docs" / "parameters.md").read_text(encoding="utf-8") == page(), HOW


def test_the_table_of_the_readme_is_up_to_date(repository: Path):
    text = (repository / "README.md").read_text(encoding="utf-8")
    assert with_readme_table(text) == text, HOW


def test_every_parameter_of_every_node_has_a_row_with_default_range_and_unit():
    text = page()
    for _, _, specs in NODES.values():
        for spec in specs:
            assert f"| `{spec.name}` | " in text
    assert "| `alert.cooldown` | double | `0.0` | 0 to 3,600 | s | at any time | Shortest" in text
    assert "| `hooks.mqtt` | string | empty | - | - | at start | MQTT topic" in text
    assert "| `lateness` | string or number | `auto` | - | s | at any time |" in text
    assert "| `journal.kinds` | string list | `alert`, `narration`," in text
    assert "| `fps` | double | `15.0` | 0.5 to 240 | Hz | at start |" in text


def test_the_short_table_has_the_chosen_parameters():
    rows = readme_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(IN_README)


def test_descriptions_are_sentences_that_fit_a_terminal_line_or_four():
    for _, _, specs in NODES.values():
        for spec in specs:
            assert spec.description[0].isupper() or spec.description.startswith("p(speak)")
            assert spec.description.endswith(".")
            assert len(spec.description) <= 320


def test_the_command_writes_and_then_finds_nothing_to_do(tmp_path, capsys):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(f"Before.\n\n{BEGIN}\n| old |\n{END}\n\nAfter.\n")
    root = ["--root", str(tmp_path)]
    assert main(["--check", *root]) == 1
    assert capsys.readouterr().out == "out of date: docs/parameters.md, README.md\n"
    assert main(root) == 0
    assert main(["--check", *root]) == 0
    readme = (tmp_path / "README.md").read_text()
    assert readme == f"Before.\n\n{BEGIN}\n\n{readme_table()}\n{END}\n\nAfter.\n"
    assert (tmp_path / "docs" / "parameters.md").read_text() == page()


def test_a_readme_without_the_lines_around_the_table_is_refused(tmp_path, capsys):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("Text.\n")
    with pytest.raises(SystemExit):
        main(["--root", str(tmp_path)])
    assert "README.md has no lines" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["hold", "max_gap", "max_lateness"])
def test_the_ranges_are_those_that_the_assembler_checks(name):
    (spec,) = (spec for spec in SPECS if spec.name == name)
    assert spec.low is not None
    assert spec.high is not None
    for value, beyond in ((spec.low, spec.low - 1e-6), (spec.high, spec.high + 1e-6)):
        assert getattr(AssemblerConfig(**{name: value}), name) == value
        with pytest.raises(AssemblerConfigError, match=name):
            AssemblerConfig(**{name: beyond})
