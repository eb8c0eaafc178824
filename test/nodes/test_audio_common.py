"""Both flavours of audio_common_msgs, built for real and heard by the node in its own process.

They share a name and are not on PyPI, so that each is built here, from the fields that the node
knows of it, into a folder of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import until

pytestmark = pytest.mark.skipif(
    not (Path(sys.prefix) / "share" / "rosidl_cmake").is_dir(), reason="needs the ROS wheels"
)

FLAVOURS = {
    "drivers": {
        "AudioData": "uint8[] data",
        "AudioDataStamped": "std_msgs/Header header\nAudioData audio",
        "AudioInfo": "uint8 channels\nuint32 sample_rate\nstring sample_format\n"
        "uint32 bitrate\nstring coding_format",
    },
    "portaudio": {
        "AudioData": "float32[] float32_data\nint32[] int32_data\nint16[] int16_data\n"
        "int8[] int8_data\nuint8[] uint8_data",
        "AudioInfo": "int32 format\nint32 channels\nint32 rate\nint32 chunk",
        "Audio": "AudioData audio_data\nAudioInfo info",
        "AudioStamped": "std_msgs/Header header\nAudio audio",
    },
}
PACKAGE = """\
<package format="3">
  <name>audio_common_msgs</name>
  <version>0.0.0</version>
  <description>For a test.</description>
  <maintainer email="nobody@example.org">nobody</maintainer>
  <license>Apache-2.0</license>
  <buildtool_depend>ament_cmake</buildtool_depend>
  <buildtool_depend>rosidl_default_generators</buildtool_depend>
  <depend>std_msgs</depend>
  <exec_depend>rosidl_default_runtime</exec_depend>
  <member_of_group>rosidl_interface_packages</member_of_group>
  <export><build_type>ament_cmake</build_type></export>
</package>
"""
BUILD = """\
cmake_minimum_required(VERSION 3.16)
project(audio_common_msgs)
find_package(ament_cmake REQUIRED)
find_package(rosidl_default_generators REQUIRED)
find_package(std_msgs REQUIRED)
file(GLOB messages RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} msg/*.msg)
rosidl_generate_interfaces(${PROJECT_NAME} ${messages} DEPENDENCIES std_msgs)
ament_package()
"""


@pytest.fixture(scope="module", params=sorted(FLAVOURS))
def flavour(request, tmp_path_factory) -> tuple[str, dict[str, str]]:
    """A flavour's name, and the environment of processes that have it installed."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "package.xml").write_text(PACKAGE)
    (folder / "CMakeLists.txt").write_text(BUILD)
    (folder / "msg").mkdir()
    for name, fields in FLAVOURS[request.param].items():
        (folder / "msg" / f"{name}.msg").write_text(fields + "\n")
    built = build(folder)
    python = next(built.glob("lib/python3*/site-packages"))
    environment = dict(os.environ)
    for variable, path in (("PYTHONPATH", python), ("LD_LIBRARY_PATH", built / "lib")):
        environment[variable] = f"{path}:{environment.get(variable, '')}"
    return request.param, environment


def build(folder: Path) -> Path:
    """Build the package in a folder; returns where it is installed."""
    installed = folder / "install"
    wheels = {"AMENT_PREFIX_PATH": sys.prefix, "CMAKE_PREFIX_PATH": sys.prefix}
    python = [f"-D{name}_EXECUTABLE={sys.executable}" for name in ("Python3", "PYTHON")]
    options = [*python, f"-DCMAKE_INSTALL_PREFIX={installed}"]
    for command in (
        ["cmake", "-S", folder, "-B", folder / "build", *options],
        ["cmake", "--build", folder / "build", "--parallel", "2", "--target", "install"],
    ):
        done = subprocess.run(
            command, env={**os.environ, **wheels}, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return installed


@pytest.fixture
def start(flavour) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    processes = []

    def start(*arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, *map(str, arguments)]
        processes.append(subprocess.Popen(command, env=flavour[1]))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def test_the_installed_flavour_is_heard_and_mp3_refused(flavour, start, robot, namespace):
    parameters = ["-p", "use_image:=false", "-p", "audio_type:=audio_common_msgs"]
    start("-m", "roma_ros.nodes.roma_node", "--ros-args", "-r", f"__ns:={namespace}", *parameters)
    assert robot.roma.wait_until_active()
    talker = Path(__file__).with_name("audio_common_talker.py")

    if flavour[0] == "drivers":  # the other one has no coded audio
        coded = start(talker, namespace, "mp3")
        key = f"{namespace}/audio: AudioCodingError"
        until(lambda: robot.diagnostic("inputs", key), "the fault is counted")
        # Audio may come before the message that announces its format; then that is the first fault.
        until(lambda: "format:=wave" in robot.diagnostics["inputs"].message, "the remedy is named")
        assert not robot.probabilities()
        coded.kill()

    start(talker, namespace, "wave")
    until(lambda: len(robot.probabilities()) >= 3, "p(speak)")
    assert [message.unit for message in robot.probabilities()][:3] == [0, 1, 2]
    until(lambda: robot.diagnostic("units", "units made"), "diagnostics")
    assert robot.diagnostic("units", "units with audio filled") == "0"
