"""Both flavours of audio_common_msgs, built for real and heard by the node in its own process.

They share a name and are not on PyPI, so that each is built here, from the fields that the node
knows of it, into a folder of its own.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .conftest import until
from .message_packages import build_messages

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


@pytest.fixture(scope="module", params=sorted(FLAVOURS))
def flavour(request, tmp_path_factory) -> tuple[str, dict[str, str]]:
    """A flavour's name, and the environment of processes that have it installed."""
    folder = tmp_path_factory.mktemp(request.param)
    return request.param, build_messages(folder, "audio_common_msgs", FLAVOURS[request.param])


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


def test_audio_without_stamps_or_format_is_heard_by_the_parameters(
    flavour, start, robot, namespace
):
    if flavour[0] != "drivers":
        pytest.skip("the other flavour has no such message")
    parameters = [
        "use_image:=false",
        "audio_type:=audio_common_msgs/AudioData",
        "audio_rate:=16000",
    ]
    arguments = [word for parameter in parameters for word in ("-p", parameter)]
    start("-m", "roma_ros.nodes.roma_node", "--ros-args", "-r", f"__ns:={namespace}", *arguments)
    assert robot.roma.wait_until_active()
    start(Path(__file__).with_name("audio_common_talker.py"), namespace, "plain")
    until(lambda: len(robot.probabilities()) >= 3, "p(speak)")
    assert [message.unit for message in robot.probabilities()][:3] == [0, 1, 2]
    until(lambda: robot.diagnostic("units", "units made"), "diagnostics")
    assert robot.diagnostic("units", "units with audio filled") == "0"
    assert not robot.diagnostic("inputs", f"{namespace}/audio: no stamp")
