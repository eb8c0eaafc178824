"""Readers of the types of audio messages."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from roma_ros.msg import Audio
from roma_ros.sources.portaudio import portaudio_chunk
from roma_ros.units import AudioChunk, AudioError

__all__ = [
    "AUDIO_TYPES",
    "AudioCodingError",
    "AudioFormat",
    "AudioInput",
    "AudioTypeError",
    "DriversAudio",
    "FormatTopic",
    "PortAudio",
    "RomaAudio",
    "audio_input",
]

AUDIO_TYPES = ("roma_ros/Audio", "audio_common_msgs", "audio_common_msgs/AudioData")


class AudioTypeError(ValueError):
    """Raised when the package of the parameter audio_type is not installed or not known."""


class AudioCodingError(AudioError):
    """Raised for audio that is encoded, such as MP3, or whose format is not known yet."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Format of audio in messages that do not contain it.

    Attributes:
        rate: sample rate, Hz.
        channels: number of interleaved channels.
        sample_format: one of SAMPLE_FORMATS.
    """

    rate: int
    channels: int
    sample_format: str


@dataclass(frozen=True, slots=True)
class FormatTopic:
    """Topic on which a driver publishes the format of its audio.

    Attributes:
        message_type: type of its messages.
        callback: called with each message.
        name: name of the topic.
    """

    message_type: type
    callback: Callable[[Any], None]
    name: str = "audio_info"


class AudioInput(Protocol):
    """Reader of one type of audio message."""

    @property
    def message_type(self) -> type:
        """Type of the messages to subscribe to."""

    @property
    def format_topic(self) -> FormatTopic | None:
        """Topic of the format; `None`: the messages contain their format."""

    def chunk(self, message: Any, stamp: int) -> AudioChunk:
        """Convert a message to an audio chunk.

        Raises:
            AudioError: the message is not valid.
        """


class RomaAudio:
    """Reader of roma_ros/Audio."""

    message_type = Audio
    format_topic = None

    def chunk(self, message: Audio, stamp: int) -> AudioChunk:
        return AudioChunk.from_pcm(
            stamp=stamp,
            rate=message.sample_rate,
            channels=message.channels,
            sample_format=message.format,
            data=message.data,
        )


class DriversAudio:
    """Reader of audio_common_msgs of ros-drivers: AudioDataStamped or AudioData.

    Args:
        message_type: AudioDataStamped, or AudioData, which has no stamp.
        info_type: AudioInfo, published on `audio_info`.
        given: format of the audio; `None`: take it from AudioInfo.
    """

    def __init__(
        self, message_type: type, info_type: type, given: AudioFormat | None = None
    ) -> None:
        self.message_type = message_type
        self.format_topic = None if given else FormatTopic(info_type, self._set_info)
        self._given = given
        self._info: Any = None

    def _set_info(self, info: Any) -> None:
        self._info = info

    def chunk(self, message: Any, stamp: int) -> AudioChunk:
        data = message.audio.data if hasattr(message, "audio") else message.data
        given = self._given or self._announced()
        return AudioChunk.from_pcm(
            stamp=stamp,
            rate=given.rate,
            channels=given.channels,
            sample_format=given.sample_format,
            data=data,
        )

    def _announced(self) -> AudioFormat:
        info = self._info
        if info is None:
            raise AudioCodingError(
                "no AudioInfo has come yet, so the format of the audio is not known; expected one "
                "on audio_info (remap it to where the driver publishes it), or, for a driver that "
                "has none, audio_type audio_common_msgs/AudioData with the parameters audio_rate, "
                "audio_channels and audio_format"
            )
        if info.coding_format != "wave":
            raise AudioCodingError(
                f"the audio is coded as {info.coding_format[:40]!r}; expected plain samples; start "
                "the driver with its parameter format:=wave"
            )
        return AudioFormat(info.sample_rate, info.channels, info.sample_format.lower())


class PortAudio:
    """Reader of audio_common_msgs of mgonzs13: AudioStamped, with PortAudio's sample formats."""

    format_topic = None

    def __init__(self, message_type: type) -> None:
        self.message_type = message_type

    def chunk(self, message: Any, stamp: int) -> AudioChunk:
        return portaudio_chunk(message, stamp)


def audio_input(audio_type: str, given: AudioFormat | None = None) -> AudioInput:
    """Create the reader of a type of audio message.

    Args:
        audio_type: one of AUDIO_TYPES. Two packages are called audio_common_msgs; the message types
            of the installed one decide which it is.
        given: format of audio_common_msgs/AudioData; `None`: take it from `audio_info`.

    Raises:
        AudioTypeError: the package is not installed, or is neither of the two.
    """
    if audio_type == "roma_ros/Audio":
        return RomaAudio()
    try:
        messages = importlib.import_module("audio_common_msgs.msg")
    except ImportError as error:
        raise AudioTypeError(
            f"audio_type is {audio_type}, but that package is not installed; install it "
            "(apt: ros-<distro>-audio-common-msgs) and source its workspace, or publish "
            "roma_ros/Audio and set audio_type to that"
        ) from error
    if audio_type == "audio_common_msgs/AudioData":
        if hasattr(messages, "AudioStamped"):
            raise AudioTypeError(
                "audio_type is audio_common_msgs/AudioData, but the installed audio_common_msgs is "
                "mgonzs13's, whose messages contain their format; set audio_type to "
                "audio_common_msgs"
            )
        return DriversAudio(messages.AudioData, messages.AudioInfo, given)
    if hasattr(messages, "AudioDataStamped"):
        return DriversAudio(messages.AudioDataStamped, messages.AudioInfo)
    if hasattr(messages, "AudioStamped"):
        return PortAudio(messages.AudioStamped)
    raise AudioTypeError(
        "the installed audio_common_msgs has neither AudioDataStamped (ros-drivers) nor "
        "AudioStamped (mgonzs13); for AudioData without stamps set audio_type to "
        "audio_common_msgs/AudioData, and audio_rate, audio_channels and audio_format"
    )
