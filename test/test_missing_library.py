"""A library that is missing, or does not fit, is said in one line with its remedy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from roma_ros.missing_library import REQUIREMENTS, explain_import_error

# As if it had never been installed: no import finds it, wherever it stands in the code.
HIDING = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hide())
"""
COMMAND = HIDING + "from roma_ros.cli import main; sys.exit(main({arguments!r}))"
NODE = HIDING + "from roma_ros.missing_library import run_main; sys.exit(run_main({node!r}))"


def ends(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from roma_ros.cli import main

    path = tmp_path_factory.mktemp("film") / "film.mp4"
    assert main(["world", "render", "--seconds", "3", str(path)]) == 0
    return path


@pytest.mark.slow
@pytest.mark.parametrize("module", ["av", "numpy", "torch", "transformers"])
def test_a_command_without_a_library_says_how_to_get_it(film: Path, module: str) -> None:
    arguments = ["run", str(film), "--fast", "--watch", "alert me when you hear a beep"]
    done = ends(COMMAND.format(module=module, arguments=arguments))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert f"library {module} is missing" in line
    assert f'-m pip install "{REQUIREMENTS[module]}"' in line


@pytest.mark.long  # transformers imports much before it misses it
def test_a_library_that_another_needs_is_the_one_that_is_named(film: Path) -> None:
    """transformers raises an error of its own, which names none of its modules."""
    arguments = ["run", str(film), "--fast", "--watch", "alert me when you hear a beep"]
    done = ends(COMMAND.format(module="safetensors", arguments=arguments))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "library safetensors is missing" in line


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "arguments", "remedy"),
    [
        pytest.param(
            *("peft", ["train", "stage1", "--out", "/nonexistent/out"], "peft>="),
            marks=pytest.mark.long,
        ),
        pytest.param(
            *("onnx", ["quantize", "roma_tiny", "/nonexistent/out", "--recipe", "nf4"], "onnx>="),
            marks=pytest.mark.long,
        ),
        ("sounddevice", ["run", "mic", "--watch", "x"], "pip install sounddevice"),
    ],
)
def test_what_one_command_alone_needs(module: str, arguments: list[str], remedy: str) -> None:
    done = ends(COMMAND.format(module=module, arguments=arguments))
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.splitlines()
    assert remedy in line


@pytest.mark.parametrize(
    ("module", "node", "remedy"),
    [
        ("rclpy", "roma_node", "source /opt/ros/<distro>/setup.bash"),
        ("torch", "roma_node", 'pip install "torch>='),
        ("av", "media_node", 'pip install "av>='),
    ],
)
def test_a_node_ends_with_one_line(module: str, node: str, remedy: str) -> None:
    pytest.importorskip("rclpy")
    done = ends(NODE.format(module=module, node=f"roma_ros.nodes.{node}"))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{node}: error: ")
    assert remedy in line


def test_messages_that_are_not_built_are_not_a_library() -> None:
    error = ModuleNotFoundError("No module named 'roma_ros.msg'", name="roma_ros.msg")
    assert "colcon build --packages-select roma_ros" in str(explain_import_error(error))


def test_a_version_that_does_not_fit_is_named_with_what_would() -> None:
    error = ImportError("cannot import name 'Nothing' from 'transformers'", name="transformers")
    sentence = explain_import_error(error)
    assert sentence is not None
    assert re.match(r"transformers \d+\.\d+\.\d+ does not fit \(cannot import name", sentence)
    assert REQUIREMENTS["transformers"] in sentence


def test_a_system_library_is_named_with_its_package() -> None:
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    assert "`apt install libgl1`" in str(explain_import_error(error))


@pytest.mark.parametrize("name", ["roma_ros.units.nothing", "some_users_module", None])
def test_other_import_errors_are_left_alone(name: str | None) -> None:
    assert explain_import_error(ModuleNotFoundError("No module", name=name)) is None


def test_requirements_are_those_of_the_package(repository: Path) -> None:
    text = (repository / "pyproject.toml").read_text(encoding="utf-8")  # tomllib came with 3.11
    stated = set(re.findall(r'"([a-z][a-z-]*>=[^"]*)"', text)) - {"setuptools>=77"}
    assert stated == set(REQUIREMENTS.values())
    assert all(re.fullmatch(r"[a-z-]+>=[\d.]+,<[\d.]+", requirement) for requirement in stated)
