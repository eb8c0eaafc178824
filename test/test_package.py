"""The package as a whole: its two halves and its versions; test_architecture.py has its imports."""

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import roma_ros


def _run(code: str, *, cwd: Path | None = None) -> str:
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def test_messages_and_source_are_one_package(repository: Path) -> None:
    from roma_ros.action import Ask as AskAction
    from roma_ros.msg import Alert, Audio, Narration, SpeakProbability, StreamEvent
    from roma_ros.srv import AdjustWatch, Ask, EventsSince, Unwatch, Watch

    assert Path(roma_ros.__file__).parent == repository / "roma_ros"
    assert not any((repository / "roma_ros" / name).exists() for name in ("action", "msg", "srv"))
    assert Alert.get_fields_and_field_types() == Narration.get_fields_and_field_types()
    assert Audio().data.typecode == "B"
    assert SpeakProbability().triggered is False
    assert SpeakProbability().stream == Alert().stream == StreamEvent().stream == 0
    assert AskAction.Goal.get_fields_and_field_types() == Ask.Request.get_fields_and_field_types()
    assert (
        AskAction.Result.get_fields_and_field_types() == Ask.Response.get_fields_and_field_types()
    )
    request = Watch.Request()
    assert (request.threshold, request.window, request.cooldown) == (-1.0, -1, -1.0)
    assert (request.kind, Watch.Request.NARRATION) == (Watch.Request.ALERT, 1)
    adjusting = AdjustWatch.Request()
    assert (adjusting.threshold, adjusting.window, adjusting.cooldown) == (-1.0, -1, -1.0)
    assert (AdjustWatch.Request.KEEP, AdjustWatch.Request.DEFAULT) == (-1, -2)
    assert (EventsSince.Request().sequence, EventsSince.Request().limit) == (0, 100)
    assert Ask.Response().success is Unwatch.Response().success is False


def test_the_install_has_both_halves_too(tmp_path: Path) -> None:
    """As `ros2 run` starts it: the install on PYTHONPATH and no source folder at hand."""
    code = "import roma_ros.msg, roma_ros.units; print(roma_ros.msg.__file__, roma_ros.__file__)"
    messages, package = _run(code, cwd=tmp_path).split()
    assert Path(messages).parent.parent == Path(package).parent


@pytest.mark.parametrize("name", ["roma_node", "media_node", "camera_node", "microphone_node"])
def test_every_node_is_an_executable_of_the_install(name: str) -> None:
    prefixes = [Path(prefix) for prefix in os.environ["AMENT_PREFIX_PATH"].split(":")]
    executables = [prefix / "lib" / "roma_ros" / name for prefix in prefixes]
    assert any(os.access(path, os.X_OK) for path in executables)


def test_colcon_test_runs_every_folder_of_tests(repository: Path) -> None:
    listed = re.search(r"foreach\(part ([^)]+)\)", (repository / "CMakeLists.txt").read_text())
    assert listed is not None
    folders = {path.parent.name for path in repository.glob("test/*/test_*.py")}
    assert set(listed[1].split()) == folders


def test_versions_agree(repository: Path) -> None:
    manifest = ElementTree.parse(repository / "package.xml").findtext("version")
    assert manifest == roma_ros.__version__ == importlib.metadata.version("roma_ros")


def test_model_hubs_are_switched_off() -> None:
    from huggingface_hub import constants

    assert constants.HF_HUB_OFFLINE
