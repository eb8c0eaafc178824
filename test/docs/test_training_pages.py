"""The pages on training: their settings files, and the tables of settings."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from roma_ros.training.curriculum import Mix
from roma_ros.training.settings import TrainSettings

BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["train.md", "training.md"])
def test_settings_files_of_a_page_are_valid(repository: Path, tmp_path: Path, page: str) -> None:
    blocks = BLOCK.findall((repository / "docs" / page).read_text(encoding="utf-8"))
    assert blocks
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.yaml"
        file.write_text(block, encoding="utf-8")
        assert TrainSettings.read(file).lessons


@pytest.mark.parametrize(
    ("head", "settings"), [("| setting |", TrainSettings), ("| in a mix |", Mix)]
)
def test_the_tables_name_every_setting(repository: Path, head: str, settings: type) -> None:
    page = (repository / "docs" / "training.md").read_text(encoding="utf-8")
    table = page.partition(head)[2].partition("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    named = [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(named) == sorted(field.name for field in fields(settings))
