"""The package as a whole: its two halves, its versions, and which way its imports point."""

import ast
import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path
from xml.etree import ElementTree

import pytest

import roma_ros

# For every part of the package, the parts it may import (itself is understood).
_MAY_IMPORT: dict[str, set[str]] = {
    "units": set(),
    "planning": set(),
    "hooks": {"event_schema", "events"},
    "presets": set(),
    "respawn": set(),
    "speed": {"planning", "thinker", "units", "__version__"},
    "ros_release": set(),
    "version_info": {"__version__"},
    "doctor": {"ros_release", "sources", "speech", "thinker", "units"},
    "fault_log": set(),
    "speech": {"units"},
    "recording": {"sources", "units"},
    "watch": {"recording", "triggers"},
    "assistant": {"events", "fault_log", "speech", "thinker", "triggers", "units", "watch"},
    "events": set(),
    "event_schema": {"events", "watch", "__version__"},
    "durable_file": set(),
    "state_folder": set(),
    "replay": {"event_schema", "events", "triggers", "watch"},
    "journal_files": {"durable_file", "event_schema"},
    "watch_file": {"recording", "watch"},
    "watch_state": {"durable_file", "watch", "watch_file"},
    "journal": {"event_schema", "events", "journal_files"},
    "sources": {"units"},
    "triggers": set(),
    "thinker": {"speech", "units"},
    "models": {"thinker", "training", "units", "world"},
    "world": {"sources", "speech", "thinker", "units"},
    "quantize": {
        *("sources", "speed", "thinker", "triggers", "units", "watch", "world"),
    },
    "training": {"thinker", "units", "world"},
    "evaluation": {
        *("assistant", "events", "watch"),  # a session a watch, as the assistant has
        *("thinker", "triggers", "units", "world", "__version__"),
    },
}
_ENTRANCES = {"nodes", "cli", "demo"}  # the demo plays into a real node


def _run(code: str, *, cwd: Path | None = None) -> str:
    process = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def _names_imported(path: Path, repository: Path) -> Iterator[str]:
    """The absolute dotted name of every import in a file, wherever it stands in it."""
    package = ".".join(path.parent.relative_to(repository).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _parts_imported(path: Path, repository: Path) -> set[str]:
    """The first level below `roma_ros` of what a file imports."""
    names = (name.split(".") for name in _names_imported(path, repository))
    return {name[1] for name in names if name[0] == "roma_ros" and len(name) > 1}


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


def test_versions_agree(repository: Path) -> None:
    manifest = ElementTree.parse(repository / "package.xml").findtext("version")
    assert manifest == roma_ros.__version__ == importlib.metadata.version("roma_ros")


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("roma_ros.units", {"torch", "transformers", "rclpy"}),
        ("roma_ros.planning", {"torch", "transformers", "rclpy", "numpy"}),
        ("roma_ros.speed", {"rclpy"}),
        ("roma_ros.sources", {"torch", "transformers", "rclpy", "sounddevice", "rosbags"}),
        ("roma_ros.speech", {"torch", "transformers", "rclpy"}),
        ("roma_ros.watch", {"torch", "transformers", "rclpy"}),
        ("roma_ros.event_schema", {"torch", "transformers", "rclpy"}),
        ("roma_ros.journal", {"torch", "transformers", "rclpy"}),
        ("roma_ros.watch_state", {"torch", "transformers", "rclpy"}),
        ("roma_ros.replay", {"torch", "transformers", "rclpy"}),
        ("roma_ros.triggers", {"torch", "transformers", "rclpy", "numpy"}),
        ("roma_ros.thinker", {"rclpy"}),
        ("roma_ros.hooks", {"torch", "transformers", "rclpy", "httpx", "paho"}),
        ("roma_ros.assistant", {"rclpy"}),
        ("roma_ros.cli", {"rclpy"}),
        ("roma_ros.doctor", {"torch", "transformers", "rclpy", "numpy", "rich"}),
    ],
)
def test_importing_a_part_leaves_out(module: str, banned: set[str]) -> None:
    loaded = _run(f"import sys, {module}; print(*sys.modules)").split()
    assert not banned & set(loaded)


@pytest.mark.parametrize("part", sorted(_MAY_IMPORT))
def test_imports_point_one_way(repository: Path, part: str) -> None:
    package = repository / "roma_ros"
    modules = sorted((package / part).rglob("*.py")) or [package / f"{part}.py"]
    for path in modules:
        astray = _parts_imported(path, repository) - _MAY_IMPORT[part] - {part}
        assert not astray, f"{path} imports {astray} of roma_ros"


def test_nothing_imports_the_entrances(repository: Path) -> None:
    """`nodes` and `cli` are for people and machines: neither the library nor each other."""
    package = repository / "roma_ros"
    for path in set(package.rglob("*.py")) - {package / "__main__.py"}:  # is `cli` itself
        part = path.relative_to(package).parts[0]
        others = _ENTRANCES - {part} - ({"nodes"} if part == "demo" else set())
        assert not others & _parts_imported(path, repository), path


def test_model_hubs_are_switched_off() -> None:
    from huggingface_hub import constants

    assert constants.HF_HUB_OFFLINE
