"""launch and launch_ros are not on PyPI: without them, the files are read as syntax trees."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

FILES = ("demo", "jetson", "roma")
ROMA_ARGUMENTS = {
    "params_file",
    "namespace",
    "model",
    "device",
    "image_topic",
    "audio_topic",
    "image_transport",
    "autostart",
    "use_sim_time",
    "log_level",
}


def read(repository: Path, name: str) -> ast.Module:
    path = repository / "launch" / f"{name}.launch.py"
    source = path.read_text()
    compile(source, str(path), "exec")
    return ast.parse(source)


def calls(tree: ast.Module, name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def first_strings(found: list[ast.Call]) -> set[str]:
    return {ast.literal_eval(call.args[0]) for call in found}


def test_no_launch_file_is_left_out(repository):
    names = {path.name for path in (repository / "launch").glob("*.py")}
    assert names == {f"{name}.launch.py" for name in FILES}


def test_the_node_can_be_launched_with_all_documented_arguments(repository):
    tree = read(repository, "roma")
    assert first_strings(calls(tree, "DeclareLaunchArgument")) == ROMA_ARGUMENTS


@pytest.mark.parametrize("name", FILES)
def test_what_is_used_is_declared_and_what_is_named_exists(repository, name):
    tree = read(repository, name)
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert "generate_launch_description" in functions
    declared = first_strings(calls(tree, "DeclareLaunchArgument"))
    used = {
        call.args[0].value
        for call in calls(tree, "LaunchConfiguration")
        if isinstance(call.args[0], ast.Constant)
    }
    assert used <= declared
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for text in strings:
        if text.endswith(".yaml") and text != ".yaml":  # the ending alone follows a preset's name
            assert (repository / "config" / text).is_file()
        if text.endswith(".launch.py") and "\n" not in text:
            assert (repository / "launch" / text).is_file()


def test_every_preset_of_a_jetson_can_be_launched_by_its_name(repository):
    tree = read(repository, "jetson")
    (presets,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PRESETS"
    ]
    there = {path.stem for path in (repository / "config").glob("jetson_*.yaml")}
    assert set(presets) == there
    assert "preset" in first_strings(calls(tree, "DeclareLaunchArgument"))


@pytest.mark.parametrize("name", FILES)
def test_parameters_given_to_nodes_are_declared_by_them(repository, name):
    from roma_ros.nodes import camera_node, media_node, microphone_node, parameters

    known = {
        spec.name
        for module in (camera_node, media_node, microphone_node, parameters)
        for spec in module.SPECS
    } | {"use_sim_time", "params_file"}
    for node in ast.walk(read(repository, name)):
        if isinstance(node, ast.Dict):
            assert {ast.literal_eval(key) for key in node.keys if key} <= known


@pytest.mark.parametrize("name", FILES)
def test_a_full_ros_takes_it(repository, name):
    pytest.importorskip("launch_ros", reason="launch is not on PyPI; needs a full ROS 2")
    path = repository / "launch" / f"{name}.launch.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.generate_launch_description().entities
