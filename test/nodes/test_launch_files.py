"""The launch files: executed where launch is installed, and read as syntax trees everywhere.

launch and launch_ros are not on PyPI: they come with a full ROS 2.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roma_ros.presets import PRESETS

FILES = ("demo", "jetson", "roma")
ROMA_ARGUMENTS = {
    *("preset", "params_file", "node_name", "namespace", "image_topic", "audio_topic"),
    *("autostart", "use_sim_time", "respawn", "log_level"),
}
OVERRIDES = {
    *("model", "device", "quantization", "speak_source", "image_transport"),
    *("use_image", "use_audio"),
}
INSTALLED = importlib.util.find_spec("launch_ros") is not None


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
    declared = [
        call
        for call in calls(tree, "DeclareLaunchArgument")
        if isinstance(call.args[0], ast.Constant)
    ]
    assert first_strings(declared) == ROMA_ARGUMENTS
    overrides = {
        name
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("TEXTS", "FLAGS")
        for name in ast.literal_eval(node.value)
    }
    assert overrides == OVERRIDES


@pytest.mark.parametrize("name", FILES)
def test_what_is_used_is_declared_and_what_is_named_exists(repository, name):
    tree = read(repository, name)
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert "generate_launch_description" in functions
    declared = ROMA_ARGUMENTS | OVERRIDES  # the others include roma.launch.py
    declared |= first_strings(
        [
            call
            for call in calls(tree, "DeclareLaunchArgument")
            if isinstance(call.args[0], ast.Constant)
        ]
    )
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
    there = {path.stem for path in (repository / "config").glob("*.yaml")}
    assert set(presets) == {name for name in there if name.startswith("jetson_")}
    assert set(PRESETS) == there
    assert "preset" in first_strings(calls(tree, "DeclareLaunchArgument"))


@pytest.mark.parametrize("name", FILES)
def test_parameters_given_to_nodes_are_declared_by_them(repository, name):
    from roma_ros.nodes import camera_node, media_node, microphone_node, parameters

    known = {
        spec.name
        for module in (camera_node, media_node, microphone_node, parameters)
        for spec in module.SPECS
    } | {"use_sim_time"}
    for node in ast.walk(read(repository, name)):
        if isinstance(node, ast.Dict):
            named = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            assert named <= known


class Launched:
    """A launch file that runs in a process of its own, as `ros2 launch` runs it."""

    def __init__(self, repository: Path, name: str, arguments: dict[str, str], log: Path) -> None:
        code = (
            "import sys; from launch import LaunchDescription, LaunchService\n"
            "from launch.actions import IncludeLaunchDescription as Include\n"
            "from launch.launch_description_sources import PythonLaunchDescriptionSource\n"
            "path, *pairs = sys.argv[1:]\n"
            "service = LaunchService()\n"
            "pairs = [pair.split(':=', 1) for pair in pairs]\n"
            "service.include_launch_description(\n"
            "    LaunchDescription([Include(\n"
            "        PythonLaunchDescriptionSource(path), launch_arguments=pairs)]))\n"
            "sys.exit(service.run())\n"
        )
        path = repository / "launch" / f"{name}.launch.py"
        pairs = [f"{key}:={value}" for key, value in arguments.items()]
        self._log = log
        self._output = log.open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(path), *pairs],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "ROS_LOG_DIR": str(log.parent)},
        )

    @property
    def output(self) -> str:
        return self._log.read_text()

    def until(self, pattern: str, timeout: float = 60.0) -> re.Match[str]:
        deadline = time.monotonic() + timeout
        while (found := re.search(pattern, self.output)) is None:
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.output}"
            time.sleep(0.05)
        return found

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        self._output.close()


@pytest.fixture
def launched(repository: Path, tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    if not INSTALLED:
        pytest.skip("launch is not on PyPI; needs a full ROS 2")
    running: list[Launched] = []

    def make(name: str, **arguments: str) -> Launched:
        running.append(Launched(repository, name, arguments, tmp_path / f"{len(running)}.log"))
        return running[-1]

    yield make
    for one in running:
        one.close()


def test_the_preset_is_chosen_and_said(launched):
    run = launched("roma")
    run.until(r"parameters: preset cpu_tiny, chosen for the model and this machine")
    run.until(r"active with roma_tiny on /image and /audio")


def test_arguments_reach_the_node(launched):
    run = launched(
        "roma",
        node_name="watcher",
        namespace="robot",
        use_audio="false",
        image_transport="compressed",
        image_topic="/cam",
    )
    run.until(r"\[robot.watcher\]: active with roma_tiny on /cam/compressed\n")


def test_a_model_without_a_preset_is_not_given_the_presets_of_the_embedded_one(launched, tmp_path):
    run = launched("roma", model=str(tmp_path), respawn="false")
    run.until(r"parameters: preset (desktop_gpu|jetson_orin_\w+), chosen")
    run.until(r"loading \S+ on auto")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"params_file '\S+' does not exist"),
        ("camera:\n  ros__parameters: {}\n", r"has parameters for \['camera'\], none for the node"),
        ("a: [", r"params_file '\S+' cannot be read"),
    ],
)
def test_a_params_file_that_cannot_serve_ends_the_launch(launched, tmp_path, content, said):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_text(content)
    run = launched("jetson", params_file=str(path), device="cpu")
    assert run.process.wait(30) == 1
    assert re.search(said, run.output)
    assert "process started" not in run.output


def test_a_params_file_of_ones_own_serves_the_jetsons_launch_file_too(launched, tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "/**:\n  ros__parameters:\n    model: roma_tiny\n    max_watches: 3\n    treshold: 1\n"
    )
    run = launched("jetson", params_file=str(path), preset="none", device="cpu", sensors="false")
    run.until(r"active with roma_tiny on /image/compressed and /audio")
    run.until(r"unknown parameters: treshold")


def test_a_node_that_was_killed_is_started_again_and_one_that_cannot_start_is_not(launched):
    run = launched("roma")
    run.until(r"active with")
    pid = int(run.until(r"roma_node-1\]: process started with pid \[(\d+)\]")[1])
    os.kill(pid, signal.SIGKILL)
    run.until(r"roma has ended with exit status -9; starting it in 1 s")
    run.until(r"active with[\s\S]*active with")
    assert "at least 2 nodes" not in run.output
    broken = launched("roma", quantization="nf5")
    broken.until(r"roma cannot start \(exit status 2\) and is not tried again")


def test_the_demo_plays_a_file_on_the_topics_that_it_was_given(launched, tmp_path):
    from roma_ros.cli import main

    film = tmp_path / "film.mp4"
    assert main(["world", "render", "--seed", "7", "--seconds", "4", str(film)]) == 0
    run = launched("demo", path=str(film), image_topic="/cam", audio_topic="/mic")
    run.until(r"active with roma_tiny on /cam and /mic")
    run.until(r"a stream has started \(first\)")
