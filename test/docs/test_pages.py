"""README and the pages of docs/: links, programs, and the site that is built from them."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link in LINK.findall(text):
        if not re.match(r"[a-z]+:|#", link):
            assert (page.parent / link.partition("#")[0]).exists(), link


def test_the_readme_is_short_and_begins_with_how_to_install_and_run_it() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    top = "\n".join(readme.splitlines()[:15])
    for command in (
        "pip install",
        "colcon build",
        "roma run",
        "roma.launch.py",
        "jetson.launch.py",
    ):
        assert command in top
    table = re.compile(r"<!-- parameters -->.*<!-- /parameters -->", re.DOTALL)
    assert len(table.findall(readme)) == 1
    assert len(table.sub("", readme).split()) < 1000


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_without_a_network(tmp_path: Path) -> None:
    """Strict: links and anchors lead somewhere, every page is in `nav`, every docstring is read."""
    pytest.importorskip("mkdocs")
    no_network = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | no_network
    )
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "reference" / "assistant.html").read_text(encoding="utf-8")
    assert 'id="roma_ros.assistant.Assistant.submit"' in html
    loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?://[^"]+)"', html)
    assert loaded == [], "the page loads something from a network"


def test_the_programs_of_the_page_on_extending_run(repository: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall((repository / "docs" / "extend.md").read_text(encoding="utf-8"))
    assert len(blocks) == 3
    program = tmp_path / "extend.py"
    program.write_text("\n".join(blocks), encoding="utf-8")
    names = runpy.run_path(str(program))
    assert len(names["probabilities"]) == 3
    assert all(0 <= p < 0.5 for p in names["probabilities"]), "no star appears"
    assert [unit.frames.shape for unit in names["assembler"].flush()] == [(2, 120, 160, 3)]


@pytest.mark.slow
def test_the_program_of_the_python_page_runs(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from roma_ros.cli import main

    monkeypatch.chdir(tmp_path)
    assert main(["world", "render", "--seed", "3000000006", "--seconds", "8", "film.mp4"]) == 0
    capsys.readouterr()
    (block,) = BLOCK.findall((repository / "docs" / "python_api.md").read_text(encoding="utf-8"))
    (tmp_path / "program.py").write_text(block, encoding="utf-8")
    runpy.run_path("program.py")
    *stamps, answer = capsys.readouterr().out.splitlines()
    assert "7000000000" in stamps
    assert answer in {"yes", "no"}
