"""What every open project has: changelog, workflow, hooks, pinned documentation tools."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml


def test_bloom_can_read_the_changelog(repository: Path) -> None:
    """By its parser, after catkin_prepare_release has put a version in place of "Forthcoming"."""
    changelog = pytest.importorskip("catkin_pkg.changelog")
    text = (repository / changelog.CHANGELOG_FILENAME).read_text(encoding="utf-8")
    released, count = re.subn(
        r"^Forthcoming\n-+$", "9.9.9 (2030-01-01)\n" + "-" * 18, text, flags=re.M
    )
    assert count == 1
    read = changelog.populate_changelog_from_rst(changelog.Changelog("roma_ros"), released)
    contents = read.get_content_of_version("9.9.9")
    assert len(contents[0].bullets) > 10


def test_the_workflow_calls_what_a_developer_calls(repository: Path) -> None:
    path = repository / ".github" / "workflows" / "ci.yml"
    job = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12"]
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}"
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == ".ci/run"
    assert "exec make test" in (repository / ".ci" / "run").read_text(encoding="utf-8")
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^PYTHON \?=", makefile, re.MULTILINE), "the environment decides"


def test_the_hooks_run_what_lint_runs(repository: Path) -> None:
    text = (repository / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (local,) = yaml.safe_load(text)["repos"]
    assert local["repo"] == "local", "nothing is downloaded"
    hooks = {" ".join(hook["entry"].split()[:2]) for hook in local["hooks"]}
    lint = (repository / "Makefile").read_text(encoding="utf-8").partition("\nlint:")[2]
    for command in ("ruff check", "ruff format", "mypy"):
        assert f".venv/bin/{command}" in hooks
        assert f"\t{command}" in lint.partition("\n\n")[0]


@pytest.mark.parametrize("name", ["bug_report", "feature_request", "config"])
def test_issue_templates_are_yaml(repository: Path, name: str) -> None:
    path = repository / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml"
    assert yaml.safe_load(path.read_text(encoding="utf-8"))
