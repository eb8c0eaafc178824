"""The kinds of audio messages that the node can hear."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from roma_ros.msg import Audio
from roma_ros.units import AudioChunk, AudioError

__all__ = [
    "AUDIO_TYPES",
    "AudioCodingError",
    "AudioInput",
    "AudioTypeError",
    "DriversAudio",
    "FormatTopic",
    "PortAudio",
    "RomaAudio",
    "audio_input",
]

AUDIO_TYPES = ("roma_ros/Audio", "audio_common_msgs")


class AudioTypeError(ValueError):
    """The parameter audio_type names messages that are not installed, or not known."""


class AudioCodingError(AudioError):
    """Audio that is coded, such as MP3, or whose format has not been announced."""


@dataclass(frozen=True, slots=True)
class FormatTopic:
    """A topic that announces the format of the audio, and who has to know it."""

    message_type: type
    callback: Callable[[Any], None]
    name: str = "audio_info"


class AudioInput(Protocol):
    """Reads one type of audio message."""

    @property
    def message_type(self) -> type:
        """What to subscribe to; it has a header."""

    @property
    def format_topic(self) -> FormatTopic | None:
        """What to subscribe to besides; `None`: the messages say their format themselves."""

    def chunk(self, message: Any, stamp: int) -> AudioChunk:
        """The samples of a message. Raises AudioError."""


class RomaAudio:
    """roma_ros/Audio."""

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
    """audio_common_msgs of ros-drivers: AudioDataStamped, with an AudioInfo on `audio_info`."""

    def __init__(self, message_type: type, info_type: type) -> None:
        self.message_type = message_type
        self.format_topic = FormatTopic(info_type, self._set_info)
        self._info: Any = None

    def _set_info(self, info: Any) -> None:
        self._info = info

    def chunk(self, message: Any, stamp: int) -> AudioChunk:
        info = self._info
        if info is None:
            raise AudioCodingError(
                "no AudioInfo has come yet, so the format of the audio is not known; wanted one "
                "on audio_info (remap it to where the driver publishes it)"
            )
        if info.coding_format != "wave":
            raise AudioCodingError(
                f"got audio coded as {info.coding_format!r}, wanted plain samples: start the "
                "driver with its parameter format:=wave"
            )
        return AudioChunk.from_pcm(
            stamp=stamp,
            rate=info.sample_rate,
            channels=info.channels,
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


class PortAudio:
    """audio_common_msgs of mgonzs13: AudioStamped, with PortAudio's sample formats."""

    format_topic = None

    def __init__(self, message_type: type) -> None:
        self.message_type = message_type

    def chunk(self, message: Any, stamp: int) -> AudioChunk:
        info = message.audio.info
        if info.format not in _PORTAUDIO:
            known = ", ".join(map(str, _PORTAUDIO))
            raise AudioError(f"got PortAudio sample format {info.format}, wanted one of {known}")
        field, zero, full_scale = _PORTAUDIO[info.format]
        values = np.asarray(getattr(message.audio.audio_data, field), dtype=np.float32)
        channels = int(info.channels)
        if channels < 1 or values.size % channels:
            raise AudioError(f"got {values.size} samples, wanted a multiple of {channels} channels")
        samples = ((values - zero) / full_scale).astype(np.float32).reshape(-1, channels)
        return AudioChunk(stamp, int(info.rate), samples)


def audio_input(audio_type: str) -> AudioInput:
    """The reader of a type of audio message.

    Args:
        audio_type: one of AUDIO_TYPES. Two packages are called audio_common_msgs; the one that is
            installed is told by its messages.

    Raises:
        AudioTypeError: the messages are not installed, or of a third kind.
    """
    if audio_type == "roma_ros/Audio":
        return RomaAudio()
    try:
        messages = importlib.import_module("audio_common_msgs.msg")
    except ImportError as error:
        raise AudioTypeError(
            "audio_type is audio_common_msgs, but that package is not installed; install it "
            "(apt: ros-<distro>-audio-common-msgs) and source its workspace, or publish "
            "roma_ros/Audio and set audio_type to that"
        ) from error
    if hasattr(messages, "AudioDataStamped"):
        return DriversAudio(messages.AudioDataStamped, messages.AudioInfo)
    if hasattr(messages, "AudioStamped"):
        return PortAudio(messages.AudioStamped)
    raise AudioTypeError(
        "the installed audio_common_msgs has neither AudioDataStamped (ros-drivers) nor "
        "AudioStamped (mgonzs13); audio without a stamp cannot be used"
    )
