"""Conversion of messages that rosbags has deserialized to frames and audio chunks."""

from __future__ import annotations

from typing import Any, Protocol

from roma_ros.sources.errors import SourceError
from roma_ros.sources.portaudio import portaudio_chunk
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
"""Definition of msg/Audio.msg, for bags that hold no definitions."""


class BagMessageError(SourceError):
    """Raised when no message of a topic can be used; the error's message says why."""


class MessageReader(Protocol):
    """Reader of the messages of one topic."""

    def stamp(self, message: Any) -> int | None:
        """Return the stamp of the header, ns; `None` if it was not set."""

    def learn_format(self, message: Any) -> None:
        """Use the audio format that a message of another topic announces."""

    def read(self, message: Any, stamp: int) -> Item:
        """Convert a message to a frame or an audio chunk with this stamp (ns).

        Raises:
            UnitsError: the message is damaged.
            BagMessageError: no message of the topic can be used.
        """


class _Reader:
    def stamp(self, message: Any) -> int | None:
        time = message.header.stamp
        return int(time.sec) * NS + int(time.nanosec) or None

    def learn_format(self, message: Any) -> None:
        """Do nothing: most messages hold their format themselves."""


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
    """audio_common_msgs of ros-drivers, whose format is announced by AudioInfo on another topic."""

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


class _PortAudio(_Reader):
    """audio_common_msgs of mgonzs13, with PortAudio's sample formats."""

    def read(self, message: Any, stamp: int) -> Item:
        return portaudio_chunk(message, stamp)


_READERS: dict[str, type[MessageReader]] = {
    "sensor_msgs/msg/Image": _Image,
    "sensor_msgs/msg/CompressedImage": _CompressedImage,
    "roma_ros/msg/Audio": _RomaAudio,
    "audio_common_msgs/msg/AudioDataStamped": _DriversAudio,
    "audio_common_msgs/msg/AudioStamped": _PortAudio,
}


def reader_of(message_type: str) -> MessageReader:
    """Return a reader for a type of messages, such as "sensor_msgs/msg/Image"."""
    return _READERS[message_type]()
