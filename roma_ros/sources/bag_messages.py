"""Messages as rosbags reads them -> frames and audio chunks."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from roma_ros.sources.errors import SourceError
from roma_ros.sources.source import Item
from roma_ros.units import AudioChunk, AudioError, CompressedFrame, RawFrame

__all__ = ["ROMA_AUDIO", "BagMessageError", "MessageReader", "reader_of"]

NS = 1_000_000_000
ROMA_AUDIO = """\
std_msgs/Header header
uint32 sample_rate
uint8 channels
string format
uint8[] data
"""
"""msg/Audio.msg."""


class BagMessageError(SourceError):
    """No message of the topic can be used; the message says why."""


class MessageReader(Protocol):
    """Reads the messages of one topic."""

    def stamp(self, message: Any) -> int | None:
        """Of the header, ns; `None` if it was not set."""

    def learn_format(self, message: Any) -> None:
        """Take the format of the audio from a message of another topic."""

    def read(self, message: Any, stamp: int) -> Item:
        """The frame or the samples. Raises UnitsError, BagMessageError."""


class _Reader:
    def stamp(self, message: Any) -> int | None:
        time = message.header.stamp
        return int(time.sec) * NS + int(time.nanosec) or None

    def learn_format(self, message: Any) -> None:
        """Most messages tell their format themselves."""


class _Image(_Reader):
    def read(self, message: Any, stamp: int) -> Item:
        return RawFrame(
            stamp=stamp,
            height=int(message.height),
            width=int(message.width),
            encoding=message.encoding,
            step=int(message.step),
            data=message.data,
            is_bigendian=bool(message.is_bigendian),
        )


class _CompressedImage(_Reader):
    def read(self, message: Any, stamp: int) -> Item:
        return CompressedFrame(stamp=stamp, format=message.format, data=message.data)


class _RomaAudio(_Reader):
    def read(self, message: Any, stamp: int) -> Item:
        return AudioChunk.from_pcm(
            stamp=stamp,
            rate=int(message.sample_rate),
            channels=int(message.channels),
            sample_format=message.format,
            data=message.data,
        )


class _DriversAudio(_Reader):
    """audio_common_msgs of ros-drivers, whose format is told by an AudioInfo on another topic."""

    def __init__(self) -> None:
        self._info: Any = None

    def learn_format(self, message: Any) -> None:
        self._info = message

    def read(self, message: Any, stamp: int) -> Item:
        info = self._info
        if info is None:
            raise AudioError("no AudioInfo came before it; expected one; record its topic too")
        if info.coding_format != "wave":
            raise BagMessageError(
                f"the audio is coded as {info.coding_format!r}; expected plain samples; record "
                "with the driver's parameter format:=wave"
            )
        return AudioChunk.from_pcm(
            stamp=stamp,
            rate=int(info.sample_rate),
            channels=int(info.channels),
            sample_format=info.sample_format.lower(),
            data=message.audio.data,
        )


# PortAudio's codes: field of AudioData, value of zero, full scale.
_PORTAUDIO = {
    1: ("float32_data", 0.0, 1.0),
    2: ("int32_data", 0.0, 2.0**31),
    8: ("int16_data", 0.0, 2.0**15),
    16: ("int8_data", 0.0, 2.0**7),
    32: ("uint8_data", 128.0, 2.0**7),
}


class _PortAudio(_Reader):
    """audio_common_msgs of mgonzs13, with PortAudio's sample formats."""

    def read(self, message: Any, stamp: int) -> Item:
        info = message.audio.info
        if info.format not in _PORTAUDIO:
            known = ", ".join(map(str, _PORTAUDIO))
            raise AudioError(
                f"the PortAudio sample format is {info.format}; expected one of {known}"
            )
        field, zero, full_scale = _PORTAUDIO[info.format]
        values = np.asarray(getattr(message.audio.audio_data, field), dtype=np.float32)
        channels = int(info.channels)
        if channels < 1 or values.size % channels:
            raise AudioError(
                f"the data has {values.size} samples; expected a multiple of {channels} channels"
            )
        samples = ((values - zero) / full_scale).astype(np.float32).reshape(-1, channels)
        return AudioChunk(stamp, int(info.rate), samples)


_READERS: dict[str, type[MessageReader]] = {
    "sensor_msgs/msg/Image": _Image,
    "sensor_msgs/msg/CompressedImage": _CompressedImage,
    "roma_ros/msg/Audio": _RomaAudio,
    "audio_common_msgs/msg/AudioDataStamped": _DriversAudio,
    "audio_common_msgs/msg/AudioStamped": _PortAudio,
}


def reader_of(message_type: str) -> MessageReader:
    """The reader of a type of message, such as "sensor_msgs/msg/Image"."""
    return _READERS[message_type]()
