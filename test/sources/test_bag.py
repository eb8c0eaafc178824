"""Bag, on bags that rosbags writes here: both storages, with and without definitions in them."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from roma_ros.sources import Bag, BagConfig, Item, MediaError, open_media
from roma_ros.sources.bag_messages import ROMA_AUDIO
from roma_ros.units import (
    AssemblerConfig,
    AudioChunk,
    CompressedFrame,
    MultimodalUnit,
    RawFrame,
    UnitAssembler,
    VideoFill,
)

NS = 1_000_000_000
BASE = 1_700_000_000 * NS
RATE = 16_000
AUDIO_COMMON = {
    "audio_common_msgs/msg/AudioData": "uint8[] data",
    "audio_common_msgs/msg/AudioDataStamped": (
        "std_msgs/Header header\naudio_common_msgs/AudioData audio"
    ),
    "audio_common_msgs/msg/AudioInfo": (
        "uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\n"
        "string coding_format"
    ),
}
PORTAUDIO = {
    "audio_common_msgs/msg/AudioInfo": "int32 format\nint32 channels\nint32 rate\nint32 chunk",
    "audio_common_msgs/msg/AudioData": (
        "float32[] float32_data\nint32[] int32_data\nint16[] int16_data\nint8[] int8_data\n"
        "uint8[] uint8_data"
    ),
    "audio_common_msgs/msg/Audio": (
        "audio_common_msgs/AudioData audio_data\naudio_common_msgs/AudioInfo info"
    ),
    "audio_common_msgs/msg/AudioStamped": "std_msgs/Header header\naudio_common_msgs/Audio audio",
}


@dataclass(frozen=True)
class Recording:
    """Four seconds: a flash and a beep at 1.5 s."""

    image: str = "raw"  # or jpeg, or none
    audio: str = "roma"  # or drivers, portaudio, none
    image_offset: int = 0  # of the camera's clock, ns
    stamped: bool = True
    extra: tuple[str, ...] = ()  # more image topics
    coding: str = "wave"


def types_of(recording: Recording) -> Any:
    store = get_typestore(Stores.ROS2_JAZZY)
    definitions = {"roma_ros/msg/Audio": ROMA_AUDIO}
    definitions |= PORTAUDIO if recording.audio == "portaudio" else AUDIO_COMMON
    found: dict[str, Any] = {}
    for name, text in definitions.items():
        found |= get_types_from_msg(text, name)
    store.register(found)
    return store


def messages(recording: Recording, types: Any) -> Iterator[tuple[str, str, int, Any]]:
    """Topic, type, time of recording and message, in the order of recording."""

    def make(name: str, **fields: Any) -> Any:
        return types.types[name](**fields)

    def header(stamp: int) -> Any:
        stamp = stamp if recording.stamped else 0
        time = make("builtin_interfaces/msg/Time", sec=stamp // NS, nanosec=stamp % NS)
        return make("std_msgs/msg/Header", stamp=time, frame_id="front")

    if recording.audio == "drivers":
        info = make(
            "audio_common_msgs/msg/AudioInfo",
            channels=1,
            sample_rate=RATE,
            sample_format="S16LE",
            bitrate=0,
            coding_format=recording.coding,
        )
        yield "/mic/info", "audio_common_msgs/msg/AudioInfo", BASE, info
    tone = (16_000 * np.sin(2 * np.pi * 1000 * np.arange(RATE // 10) / RATE)).astype("<i2")
    for step in range(40):
        stamp = BASE + step * NS // 10
        colour = 255 if step == 15 else 60
        picture = np.full((16, 24, 3), colour, np.uint8)
        for topic in ("/camera/image_raw", *recording.extra) if recording.image != "none" else ():
            head = header(stamp + recording.image_offset)
            if recording.image == "raw":
                name = "sensor_msgs/msg/Image"
                data: Any = picture.reshape(-1)
                image = make(
                    name,
                    header=head,
                    height=16,
                    width=24,
                    encoding="rgb8",
                    is_bigendian=0,
                    step=72,
                    data=data,
                )
            else:
                name = "sensor_msgs/msg/CompressedImage"
                data = cv2.imencode(".jpg", picture)[1].reshape(-1)
                image = make(name, header=head, format="jpeg", data=data)
            yield topic, name, stamp + 5_000_000, image
        samples = tone if step == 15 else np.zeros_like(tone)
        data = np.frombuffer(samples.tobytes(), np.uint8)
        if recording.audio == "roma":
            name = "roma_ros/msg/Audio"
            audio = make(
                name,
                header=header(stamp),
                sample_rate=RATE,
                channels=1,
                format="s16le",
                data=data,
            )
        elif recording.audio == "drivers":
            name = "audio_common_msgs/msg/AudioDataStamped"
            inner = make("audio_common_msgs/msg/AudioData", data=data)
            audio = make(name, header=header(stamp), audio=inner)
        elif recording.audio == "portaudio":
            name = "audio_common_msgs/msg/AudioStamped"
            info = make(
                "audio_common_msgs/msg/AudioInfo", format=8, channels=1, rate=RATE, chunk=1600
            )
            empty = {
                f"{kind}_data": np.zeros(0, kind)
                for kind in ("float32", "int32", "int16", "int8", "uint8")
            }
            inner = make("audio_common_msgs/msg/AudioData", **empty | {"int16_data": samples})
            whole = make("audio_common_msgs/msg/Audio", audio_data=inner, info=info)
            audio = make(name, header=header(stamp), audio=whole)
        else:
            continue
        yield "/mic/audio", name, stamp + 120_000_000, audio


def write_bag(
    path: Path, recording: Recording, storage: StoragePlugin = StoragePlugin.MCAP
) -> Path:
    types = types_of(recording)
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connections: dict[str, Any] = {}
        for topic, name, recorded, message in sorted(
            messages(recording, types), key=lambda message: message[2]
        ):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, name, typestore=types)
            writer.write(connections[topic], recorded, types.serialize_cdr(message, name))
    return path


def play(path: Path, **options: Any) -> list[Item]:
    with open_media(str(path), **options) as source:
        assert isinstance(source, Bag)
        assert not source.live
        return list(source)


def units_of(items: Sequence[Item]) -> list[MultimodalUnit]:
    assembler = UnitAssembler(AssemblerConfig())
    for item in items:
        assembler.add(item)
    return assembler.flush()


def assert_flash_and_beep(items: Sequence[Item], begin: int) -> None:
    """Both at 1.5 s, and nothing is missing of the four seconds."""
    units = units_of(items)
    assert [unit.start - begin for unit in units] == [0, NS, 2 * NS, 3 * NS]
    for unit in units:
        assert unit.frames is not None
        assert unit.audio is not None
        assert unit.video_fill is VideoFill.NONE
        assert unit.audio_filled == 0
        bright = [bool(frame.mean() > 200) for frame in unit.frames]
        assert bright == [False, unit.index == 1]
        loud = np.flatnonzero(np.abs(unit.audio) > 0.2)
        assert (len(loud) and abs(int(loud[0]) - 8000) < 16) == (unit.index == 1)


@pytest.mark.parametrize("storage", list(StoragePlugin))
@pytest.mark.parametrize("image", ["raw", "jpeg"])
@pytest.mark.parametrize("audio", ["roma", "drivers", "portaudio"])
def test_images_and_audio_come_with_the_stamps_of_their_headers(
    tmp_path: Path, storage: StoragePlugin, image: str, audio: str
) -> None:
    path = write_bag(tmp_path / "bag", Recording(image=image, audio=audio), storage)
    items = play(path)
    assert items[0].stamp == BASE
    assert [item.stamp for item in items] == sorted(item.stamp for item in items)
    frames = [item for item in items if not isinstance(item, AudioChunk)]
    assert len(frames) == 40
    assert all(isinstance(item, RawFrame if image == "raw" else CompressedFrame) for item in frames)
    assert_flash_and_beep(items, BASE)


def test_a_file_of_a_bag_is_played_as_its_folder_is(tmp_path: Path) -> None:
    for storage, pattern in ((StoragePlugin.MCAP, "*.mcap"), (StoragePlugin.SQLITE3, "*.db3")):
        folder = write_bag(tmp_path / storage.name, Recording(), storage)
        (file,) = folder.glob(pattern)
        assert_flash_and_beep(play(file), BASE)


def test_it_can_begin_at_another_stamp_and_again(tmp_path: Path) -> None:
    path = write_bag(tmp_path / "bag", Recording())
    with open_media(str(path), start_stamp=7 * NS, loop=True) as source:
        items = list(itertools.takewhile(lambda item: item.stamp < 15 * NS, source))
    assert_flash_and_beep([item for item in items if item.stamp < 11 * NS], 7 * NS)
    assert_flash_and_beep([item for item in items if item.stamp >= 11 * NS], 11 * NS)


@pytest.mark.parametrize("offset", [-BASE + 100 * NS, 3 * NS, -2 * NS])
def test_clocks_that_are_apart_are_aligned_by_the_recording(
    tmp_path: Path, offset: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A camera that counts from its start, one that is 3 s ahead, one that is 2 s behind."""
    items = play(write_bag(tmp_path / "bag", Recording(image_offset=offset)))
    units = units_of(items)
    assert len(units) in (4, 5)
    (unit,) = [unit for unit in units if unit.audio is not None and np.abs(unit.audio).max() > 0.2]
    assert unit.frames is not None
    assert unit.frames.mean() > 100  # with the flash, to the 0.1 s by which audio is recorded late
    assert "the stamps of its topics are" in caplog.text


def test_without_stamps_the_times_of_recording_are_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    items = play(write_bag(tmp_path / "bag", Recording(audio="none", stamped=False)))
    assert items[0].stamp == BASE + 5_000_000
    assert "has no stamps; the times of recording are used" in caplog.text


def test_topics_are_chosen(tmp_path: Path) -> None:
    several = write_bag(tmp_path / "several", Recording(extra=("/rear/image_raw",)))
    with pytest.raises(
        MediaError,
        match="several image topics: /camera/image_raw, /rear/image_raw; choose one by --topics",
    ):
        play(several)
    assert len(play(several, topics=["/rear/image_raw", "/mic/audio"])) == 80
    assert len(play(several, topics=["/rear/image_raw"])) == 40
    with pytest.raises(
        MediaError, match="no image or audio topic /front; it has /camera/image_raw"
    ):
        play(several, topics=["/front"])
    depth = write_bag(tmp_path / "depth", Recording(extra=("/camera/depth/image_rect_raw",)))
    with Bag(BagConfig(path=depth)) as bag:
        assert [topic.name for topic in bag.topics] == ["/camera/image_raw", "/mic/audio"]
    silent = Bag(BagConfig(path=write_bag(tmp_path / "silent", Recording(audio="none"))))
    assert (silent.has_video, silent.has_audio) == (True, False)


def test_what_cannot_be_played_is_refused_in_words(tmp_path: Path) -> None:
    cut = write_bag(tmp_path / "cut", Recording())
    (file,) = cut.glob("*.mcap")
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    for path in (cut, file):
        with pytest.raises(MediaError, match=f"{path} cannot be read as a ROS 2 bag: .*reindex"):
            play(path)
    with pytest.raises(MediaError, match=r"no topic with images or audio; expected one of sensor_"):
        play(write_bag(tmp_path / "odd", Recording(image="none", audio="none", extra=())))
    coded = write_bag(tmp_path / "coded", Recording(image="none", audio="drivers", coding="mp3"))
    with pytest.raises(MediaError, match="/mic/audio: the audio is coded as 'mp3'; expected plain"):
        play(coded)
    with pytest.raises(MediaError, match="is no ROS 2 bag and has no topics"):
        open_media(str(tmp_path), topics=["/image"])


def test_the_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_bag(tmp_path / "bag", Recording())
    real_import = builtins.__import__

    def without_rosbags(name: str, *arguments: Any) -> Any:
        if name.startswith("rosbags"):
            raise ImportError(name)
        return real_import(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without_rosbags)
    with pytest.raises(MediaError, match=r'pip install "roma_ros\[bags\]"'):
        Bag(BagConfig(path=path))
