"""The pip package is described in pyproject.toml; here is what a table cannot say."""

import subprocess
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py


class BuildWithCommit(build_py):
    """Writes the commit into the wheel, for `roma --version`; a checkout is asked by itself."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode and (commit := _commit()):
            path = Path(self.build_lib, "roma_ros", "commit.txt")
            path.write_text(commit + "\n", encoding="utf-8")


def _commit() -> str:
    folder = Path(__file__).resolve().parent
    if not (folder / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()


# The folder quantize/ is the package roma_ros.quantize. The link roma_ros/quantize is for mypy and
# editors alone: where git writes links as text files, nothing is missing from what is installed.
setup(
    cmdclass={"build_py": BuildWithCommit},
    package_dir={"roma_ros.quantize": "quantize"},
    packages=[
        *find_namespace_packages(
            include=["roma_ros", "roma_ros.*"], exclude=["roma_ros.quantize*"]
        ),
        "roma_ros.quantize",
    ],
)
