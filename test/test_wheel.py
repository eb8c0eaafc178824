"""The wheel that pip builds from a clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.mark.slow
def test_nothing_is_missing_where_git_writes_links_as_text_files(
    repository: Path, tmp_path: Path
) -> None:
    """As git does without core.symlinks: roma_ros/quantize is a file that holds `../quantize`."""
    clone = tmp_path / "clone"
    without = shutil.ignore_patterns("__pycache__")
    for folder in ("roma_ros", "quantize"):
        shutil.copytree(repository / folder, clone / folder, symlinks=True, ignore=without)
    for name in ("setup.py", "pyproject.toml", "README.md"):
        shutil.copy(repository / name, clone)
    link = clone / "roma_ros" / "quantize"
    target = link.readlink()
    link.unlink()
    link.write_text(str(target), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps"]
    pip += ["--no-build-isolation", "--wheel-dir", str(tmp_path), str(clone)]
    subprocess.run(pip, check=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    package = repository / "roma_ros"
    files = [*package.rglob("*.py"), *(package / "models" / "roma_tiny").iterdir()]
    files += [*package.glob("planning/configs/*.json"), *package.glob("training/stages/*.yaml")]
    expected = {path.relative_to(repository).as_posix() for path in files if path.is_file()}
    expected |= {
        f"roma_ros/quantize/{path.name}" for path in (repository / "quantize").glob("*.py")
    }
    expected |= {f"roma_ros/quantize/recipes/{name}.yaml" for name in ("nf4", "int8", "onnx-int8")}
    assert expected - packed == set()
