"""Samples of the audio_common_msgs of mgonzs13, which names PortAudio's sample formats."""

from __future__ import annotations

from typing import Any

import numpy as np

from roma_ros.units import AudioChunk, AudioError
from roma_ros.units.audio import check_length

__all__ = ["portaudio_chunk"]

# By PortAudio's code: field of AudioData, value of zero, full scale.
_FORMATS = {
    1: ("float32_data", 0.0, 1.0),
    2: ("int32_data", 0.0, 2.0**31),
    8: ("int16_data", 0.0, 2.0**15),
    16: ("int8_data", 0.0, 2.0**7),
    32: ("uint8_data", 128.0, 2.0**7),
}


def portaudio_chunk(message: Any, stamp: int) -> AudioChunk:
    """Convert a message audio_common_msgs/AudioStamped to an audio chunk.

    Args:
        message: as rclpy or rosbags deserializes it.
        stamp: of the chunk's first sample, ns.

    Raises:
        AudioError: another sample format, a part of a sample, or what AudioChunk refuses.
    """
    info = message.audio.info
    if info.format not in _FORMATS:
        known = ", ".join(map(str, _FORMATS))
        raise AudioError(f"the PortAudio sample format is {info.format}; expected one of {known}")
    field, zero, full_scale = _FORMATS[info.format]
    values = np.asarray(getattr(message.audio.audio_data, field))
    channels, rate = int(info.channels), int(info.rate)
    if channels < 1 or values.size % channels:
        raise AudioError(
            f"the data has {values.size} samples; expected a multiple of {channels} channels"
        )
    check_length(values.size // channels, rate)  # before it costs memory
    values = values.astype(np.float32)
    with np.errstate(invalid="ignore"):  # AudioChunk refuses NaN
        samples = ((values - zero) / full_scale).astype(np.float32).reshape(-1, channels)
    return AudioChunk(stamp, rate, samples)
