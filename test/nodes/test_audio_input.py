"""The messages of audio_common_msgs are not on PyPI: objects with their fields stand for them."""

import array
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from roma_ros.msg import Audio

from roma_ros.nodes.audio_input import (
    AudioCodingError,
    AudioFormat,
    AudioTypeError,
    DriversAudio,
    PortAudio,
    RomaAudio,
    audio_input,
)
from roma_ros.units import AudioError

STAMP = 5_000_000_000
TONE = np.sin(np.arange(160) / 8).astype(np.float32)
PCM = (TONE * 32767).astype("<i2")


class AudioDataStamped:
    """ros-drivers'."""

    def __init__(self, data: bytes) -> None:
        self.audio = SimpleNamespace(data=array.array("B", data))


class AudioStamped:
    """mgonzs13's."""

    def __init__(
        self, code: int, values: np.ndarray, channels: int = 1, rate: int = 16_000
    ) -> None:
        fields = {
            f"{name}_data": array.array(letter)
            for name, letter in (
                ("float32", "f"),
                ("int32", "i"),
                ("int16", "h"),
                ("int8", "b"),
                ("uint8", "B"),
            )
        }
        name = f"{values.dtype.name}_data"
        fields[name] = array.array(fields[name].typecode, values.tobytes())
        info = SimpleNamespace(format=code, channels=channels, rate=rate, chunk=len(values))
        self.audio = SimpleNamespace(audio_data=SimpleNamespace(**fields), info=info)


def drivers_info(**changes):
    fields = {"channels": 1, "sample_rate": 16_000, "sample_format": "S16LE", "bitrate": 0}
    return SimpleNamespace(**{**fields, "coding_format": "wave", **changes})


def install(monkeypatch, **message_types):
    package, module = ModuleType("audio_common_msgs"), ModuleType("audio_common_msgs.msg")
    for name, message_type in message_types.items():
        setattr(module, name, message_type)
    monkeypatch.setitem(sys.modules, "audio_common_msgs", package)
    monkeypatch.setitem(sys.modules, "audio_common_msgs.msg", module)


def test_our_own_messages_need_nothing_installed():
    audio = audio_input("roma_ros/Audio")
    assert isinstance(audio, RomaAudio)
    assert audio.message_type is Audio


def test_without_audio_common_msgs_the_error_says_what_to_do():
    with pytest.raises(AudioTypeError, match="not installed"):
        audio_input("audio_common_msgs")


def test_the_flavour_is_told_by_its_messages(monkeypatch):
    install(monkeypatch, AudioDataStamped=AudioDataStamped, AudioInfo=SimpleNamespace)
    drivers = audio_input("audio_common_msgs")
    assert isinstance(drivers, DriversAudio)
    assert drivers.format_topic is not None
    assert drivers.format_topic.name == "audio_info"
    install(monkeypatch, AudioStamped=AudioStamped, AudioInfo=SimpleNamespace)
    assert isinstance(audio_input("audio_common_msgs"), PortAudio)
    with pytest.raises(AudioTypeError, match="set audio_type to audio_common_msgs"):
        audio_input("audio_common_msgs/AudioData")
    install(monkeypatch, AudioData=SimpleNamespace)
    with pytest.raises(AudioTypeError, match=r"neither.*audio_common_msgs/AudioData"):
        audio_input("audio_common_msgs")


def test_audio_without_stamps_is_read_by_the_format_that_is_given(monkeypatch):
    install(
        monkeypatch,
        AudioData=SimpleNamespace,
        AudioDataStamped=AudioDataStamped,
        AudioInfo=SimpleNamespace,
    )
    message = SimpleNamespace(data=array.array("B", PCM.tobytes()))
    given = audio_input("audio_common_msgs/AudioData", AudioFormat(8_000, 2, "s16le"))
    assert given.format_topic is None
    chunk = given.chunk(message, STAMP)
    assert (chunk.stamp, chunk.rate, chunk.samples.shape) == (STAMP, 8_000, (80, 2))
    assert np.allclose(chunk.samples[:, 1], TONE[1::2], atol=1e-4)

    announced = audio_input("audio_common_msgs/AudioData")
    with pytest.raises(AudioCodingError, match=r"audio_rate, audio_channels and audio_format"):
        announced.chunk(message, STAMP)
    assert announced.format_topic is not None
    announced.format_topic.callback(drivers_info())
    assert np.allclose(announced.chunk(message, STAMP).samples[:, 0], TONE, atol=1e-4)


def test_drivers_audio_is_read_by_its_announced_format():
    audio = DriversAudio(AudioDataStamped, SimpleNamespace)
    message = AudioDataStamped(PCM.tobytes())
    with pytest.raises(AudioCodingError, match=r"audio_info.*audio_rate"):
        audio.chunk(message, STAMP)
    assert audio.format_topic is not None
    audio.format_topic.callback(drivers_info())
    chunk = audio.chunk(message, STAMP)
    assert (chunk.stamp, chunk.rate) == (STAMP, 16_000)
    assert np.allclose(chunk.samples[:, 0], TONE, atol=1e-4)
    audio.format_topic.callback(drivers_info(channels=2))
    assert audio.chunk(message, STAMP).samples.shape == (80, 2)


def test_mp3_is_refused_with_what_to_do():
    audio = DriversAudio(AudioDataStamped, SimpleNamespace)
    assert audio.format_topic is not None
    audio.format_topic.callback(drivers_info(coding_format="mp3"))
    with pytest.raises(AudioCodingError, match=r"mp3.*format:=wave"):
        audio.chunk(AudioDataStamped(PCM.tobytes()), STAMP)


@pytest.mark.parametrize(
    ("code", "values", "tolerance"),
    [
        (1, TONE, 0),
        (2, (TONE * 2147483000).astype(np.int32), 1e-4),
        (8, PCM, 1e-4),
        (16, (TONE * 127).astype(np.int8), 0.02),
        (32, (TONE * 127 + 128).astype(np.uint8), 0.02),
    ],
)
def test_portaudio_formats_all_come_to_the_same_tone(code, values, tolerance):
    chunk = PortAudio(AudioStamped).chunk(AudioStamped(code, values), STAMP)
    assert np.allclose(chunk.samples[:, 0], TONE, atol=tolerance)
    assert chunk.samples.dtype == np.float32


def test_portaudio_channels_are_interleaved():
    chunk = PortAudio(AudioStamped).chunk(AudioStamped(8, PCM, channels=2, rate=48_000), STAMP)
    assert chunk.rate == 48_000
    assert np.allclose(chunk.samples[:, 1], TONE[1::2], atol=1e-4)


@pytest.mark.parametrize(
    ("message", "word"),
    [
        (AudioStamped(4, PCM), "format is 4"),
        (AudioStamped(8, PCM[:3], channels=2), "3 samples"),
        (AudioStamped(8, PCM, channels=0), "channels"),
        (AudioStamped(8, PCM[:0]), "0 samples"),
        (AudioStamped(1, np.full(10, np.nan, np.float32)), "nan"),
    ],
)
def test_portaudio_messages_that_make_no_sense_are_refused(message, word):
    with pytest.raises(AudioError, match=word):
        PortAudio(AudioStamped).chunk(message, STAMP)
