"""Every transport is read; video packets in order, from a key frame on."""

from __future__ import annotations

import array
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from sensor_msgs.msg import CompressedImage, Image

from roma_ros.nodes.conversions import (
    ImageTransportError,
    VideoPackets,
    image_input,
)
from roma_ros.nodes.stamps import message_stamp
from roma_ros.sources.video_packets import KeyFrameError
from roma_ros.units import RgbFrame
from test.sources.video_encoder import GOP, encoded

from .conftest import header, image, until
from .message_packages import build_messages

SECOND = 1_000_000_000
FFMPEG = {
    "FFMPEGPacket": "std_msgs/Header header\nint32 width\nint32 height\nstring encoding\n"
    "uint64 pts\nuint8 flags\nbool is_bigendian\nuint8[] data"
}
FOXGLOVE = {
    "CompressedVideo": "builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\n"
    "string format"
}


def ffmpeg_message(packet):
    return SimpleNamespace(
        header=header(packet.number * SECOND),
        encoding="h264;yuv420p;bgr8;bgr8",
        data=array.array("B", packet.data),
    )


def foxglove_message(packet):
    return SimpleNamespace(
        timestamp=header(packet.number * SECOND).stamp,
        format="h264",
        data=array.array("B", packet.data),
    )


def read(messages, first_sequence=7, without=()):
    """Stamps of the frames in seconds, and the errors."""
    images = VideoPackets(SimpleNamespace)
    stamps, errors = [], []
    for number, message in enumerate(messages):
        if number in without:
            continue
        sequence = None if first_sequence is None else first_sequence + number
        try:
            frames = images.frames(message, message_stamp(message), sequence)
        except KeyFrameError as error:
            errors.append(str(error))
        else:
            stamps += [frame.stamp // SECOND for frame in frames]
    return stamps, errors


@pytest.mark.parametrize("make", [ffmpeg_message, foxglove_message])
def test_packets_are_read_by_their_own_stamps(make):
    stamps, errors = read(map(make, encoded("libx264")))
    assert stamps == list(range(2 * GOP))
    assert not errors


def test_a_gap_in_the_numbers_of_messages_is_a_lost_packet():
    stamps, errors = read(map(ffmpeg_message, encoded("libx264")), without=(3,))
    assert stamps == [0, 1, 2, *range(GOP, 2 * GOP)]
    assert len(errors) == GOP - 4
    assert all("packets were lost" in error for error in errors)


def test_a_middleware_that_does_not_number_messages_loses_nothing():
    stamps, errors = read(map(ffmpeg_message, encoded("libx264")), first_sequence=None)
    assert stamps == list(range(2 * GOP))
    assert not errors


def test_raw_and_compressed_need_nothing_installed():
    assert image_input("raw").message_type is Image
    assert image_input("compressed").message_type is CompressedImage
    (frame,) = image_input("raw").frames(image(5), 5, None)
    assert frame.decode()[0, 0].tolist() == [128, 128, 128]


def test_a_large_raw_image_is_made_smaller_when_it_comes():
    data = array.array("B", bytes([7, 8, 9]) * (3000 * 3000))
    message = image(5, height=3000, width=3000, step=9000, data=data)
    (frame,) = image_input("raw").frames(message, 5, None)
    assert isinstance(frame, RgbFrame)
    assert (frame.stamp, frame.rgb.shape, frame.rgb[700, 700].tolist()) == (
        5,
        (1500, 1500, 3),
        [7, 8, 9],
    )


def test_the_bound_of_compressed_images_is_handed_on():
    (frame,) = image_input("compressed", 77).frames(CompressedImage(), 5, None)
    assert getattr(frame, "max_pixels", None) == 77


@pytest.mark.parametrize(
    ("transport", "package"),
    [("ffmpeg", "ffmpeg_image_transport_msgs"), ("foxglove", "foxglove_msgs")],
)
def test_messages_that_are_not_installed_are_named_with_the_remedies(
    transport, package, monkeypatch
):
    with pytest.raises(
        ImageTransportError,
        match=rf"{package}.*apt: ros-.*in_transport "
        rf"{transport}",
    ):
        image_input(transport)
    module = ModuleType(f"{package}.msg")
    monkeypatch.setitem(sys.modules, package, ModuleType(package))
    monkeypatch.setitem(sys.modules, f"{package}.msg", module)
    with pytest.raises(ImageTransportError, match="not installed"):  # another package of that name
        image_input(transport)


# The real messages over ROS, each package built here.


@pytest.fixture(
    scope="module",
    params=[
        ("ffmpeg", "ffmpeg_image_transport_msgs", FFMPEG),
        ("foxglove", "foxglove_msgs", FOXGLOVE),
    ],
    ids=["ffmpeg", "foxglove"],
)
def video_messages(request, tmp_path_factory) -> tuple[str, dict[str, str]]:
    """A transport's name, and the environment of processes that have its messages."""
    if not (Path(sys.prefix) / "share" / "rosidl_cmake").is_dir():
        pytest.skip("needs the ROS wheels")
    transport, package, messages = request.param
    return transport, build_messages(tmp_path_factory.mktemp(transport), package, messages)


@pytest.fixture
def start(video_messages) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    processes = []

    def start(*arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, *map(str, arguments)]
        processes.append(subprocess.Popen(command, env=video_messages[1]))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.long
def test_video_over_ros_makes_units_and_a_lost_packet_is_counted(
    video_messages, start, robot, namespace
):
    transport, _ = video_messages
    parameters = ["-p", "use_audio:=false", "-p", f"image_transport:={transport}"]
    start("-m", "roma_ros.nodes.roma_node", "--ros-args", "-r", f"__ns:={namespace}", *parameters)
    assert robot.roma.wait_until_active()
    talker = Path(__file__).with_name("video_talker.py")
    start(talker, namespace, transport)
    until(lambda: len(robot.probabilities()) >= 3, "p(speak)")
    assert [message.unit for message in robot.probabilities()][:3] == [0, 1, 2]
    key = f"{namespace}/image/{transport}: KeyFrameError"
    until(lambda: robot.diagnostic("inputs", key), "the lost packet is counted")
    until(lambda: "packets were lost" in robot.diagnostics["inputs"].message, "and said")
    assert robot.diagnostic("units", "units with video filled") == "0"
