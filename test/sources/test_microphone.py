"""Microphone: its settings, and what is said where there is none."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time

import pytest

from roma_ros.sources import Microphone, MicrophoneConfig, MicrophoneError, microphone_stream
from roma_ros.sources.reconnect import Reconnect
from roma_ros.units import AudioChunk

from .devices import FakeSound
from .devices import microphone as plugged_in


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 4_000}, "rate is 4000 Hz; expected 8000 to 192000"),
        ({"channels": 0}, "channels is 0; expected 1 to 8"),
        ({"channels": 9}, "channels is 9; expected 1 to 8"),
        ({"block_seconds": 2.0}, "block_seconds is 2.0; expected 0.005 to 0.5"),
        ({"silent_after": 0.01}, "silent_after is 0.01 s; expected above block_seconds"),
    ],
)
def test_settings_out_of_range(values: dict[str, float], message: str) -> None:
    with pytest.raises(MicrophoneError, match=message):
        MicrophoneConfig(**values)  # type: ignore[arg-type]


def test_a_device_that_is_not_there() -> None:
    """Either PortAudio is missing, and the package is named, or there is no such device."""
    with pytest.raises(MicrophoneError, match=r"apt install libportaudio2|cannot be opened"):
        Microphone(MicrophoneConfig(device="no microphone has this name"))


def test_portaudio_is_looked_for_only_by_a_microphone() -> None:
    code = "import sys, roma_ros.sources; sys.exit('sounddevice' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- microphones that are lost: in place of the module sounddevice alone ---

FAST = Reconnect(first_wait=0.05, longest_wait=0.2)


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> FakeSound:
    sound = FakeSound()
    monkeypatch.setitem(sys.modules, "sounddevice", sound)  # type: ignore[arg-type]
    # A stream that hung in another test of this process counts as open for good.
    monkeypatch.setattr(microphone_stream, "_open_streams", 0)
    return sound


def read(microphone: Microphone, count: int) -> list[AudioChunk]:
    chunks = list(itertools.islice(microphone, count))
    assert all(isinstance(chunk, AudioChunk) for chunk in chunks)
    return chunks  # type: ignore[return-value]


def config(**values: object) -> MicrophoneConfig:
    return MicrophoneConfig(silent_after=0.3, **values)  # type: ignore[arg-type]


def test_chunks_have_the_devices_rate_and_end_to_end_stamps(sound: FakeSound) -> None:
    with Microphone(config()) as microphone:
        chunks = read(microphone, 5)
        assert microphone.rate == 48_000
    assert all(chunk.samples.shape == (960, 1) for chunk in chunks)
    for before, after in itertools.pairwise(chunks):
        assert abs(after.stamp - before.end) <= 1


def test_a_device_that_refuses_a_rate_is_opened_at_its_own(
    sound: FakeSound, caplog: pytest.LogCaptureFixture
) -> None:
    sound.refused = {16_000}
    with Microphone(config(device="USB", rate=16_000)) as microphone:
        (chunk,) = read(microphone, 1)
    assert (microphone.rate, chunk.rate, len(chunk.samples)) == (48_000, 48_000, 960)
    assert [record.getMessage() for record in caplog.records] == [
        "microphone USB Mic refuses 16000 Hz; opened at its own 48000 Hz"
    ]
    sound.refused = {16_000, 48_000}
    with pytest.raises(MicrophoneError, match=r"USB cannot be opened: .*Invalid sample"):
        Microphone(config(device="USB", rate=16_000))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stalled", "unplugged"])
def test_a_lost_microphone_is_an_error_or_opened_again(
    sound: FakeSound, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Callbacks that just stop, and PortAudio's own word that the stream is over."""
    with Microphone(config()) as microphone:
        read(microphone, 2)
        setattr(sound.streams[0], how, True)
        begin = time.monotonic()
        words = "has given no sound for 0.3 s" if how == "stalled" else "has stopped"
        with pytest.raises(MicrophoneError, match=f"microphone {words}; is it still connected"):
            list(microphone)
        assert time.monotonic() - begin < 1.5
    with Microphone(config(reconnect=FAST)) as microphone:
        read(microphone, 2)
        setattr(sound.streams[1], how, True)
        deadline = time.monotonic() + 5
        while len(sound.streams) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(read(microphone, 10)) == 10
    assert "is back after" in caplog.records[-1].getMessage()


@pytest.mark.slow
def test_a_microphone_that_returns_under_another_number_is_found_by_its_name(
    sound: FakeSound,
) -> None:
    """PortAudio sees new devices only after it was started anew, and numbers change."""
    with Microphone(config(device=1, reconnect=FAST)) as microphone:
        read(microphone, 2)
        usb = sound.devices.pop()
        sound.streams[0].unplugged = True
        time.sleep(0.6)
        assert len(sound.streams) == 1  # the built-in one is not taken in its place
        sound.devices = [plugged_in(0, "Built-in"), plugged_in(1, "HDMI"), usb | {"index": 2}]
        deadline = time.monotonic() + 5
        while len(sound.streams) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert sound.streams[1].device == "USB Mic"
        assert sound.starts >= 3
        read(microphone, 3)


@pytest.mark.slow
def test_a_microphone_that_stays_away_is_given_up(sound: FakeSound) -> None:
    patience = Reconnect(first_wait=0.1, longest_wait=0.2, give_up_after=0.7)
    with Microphone(config(device="USB", reconnect=patience)) as microphone:
        sound.devices.pop()
        sound.streams[0].unplugged = True
        with pytest.raises(
            MicrophoneError, match=r"USB cannot be opened.*Built-in; tried \d times in 1 s"
        ):
            list(microphone)


def test_while_another_microphone_is_open_portaudio_is_not_started_anew(sound: FakeSound) -> None:
    with Microphone(config(device=0)) as other, Microphone(config(reconnect=FAST)) as microphone:
        read(microphone, 1)
        sound.streams[1].unplugged = True
        deadline = time.monotonic() + 5
        while len(sound.streams) < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(read(other, 3)) == 3
    assert sound.starts == 1


@pytest.mark.slow
def test_exact_zeros_for_ten_seconds_are_told_once(
    sound: FakeSound, caplog: pytest.LogCaptureFixture
) -> None:
    sound.level = 0.0
    with Microphone(MicrophoneConfig(block_seconds=0.5)):  # 25 times as fast as a real one
        time.sleep(1.2)
        assert [record.getMessage() for record in caplog.records] == [
            "microphone has given nothing but exact zeros for 10 s; is it muted, or another device?"
        ]
        sound.level = 0.1
        time.sleep(0.2)
        sound.level = 0.0
        time.sleep(0.2)
    assert len(caplog.records) == 1


def test_closing_does_not_wait_for_a_driver_that_hangs(sound: FakeSound) -> None:
    microphone = Microphone(config(reconnect=FAST))
    sound.hangs = True
    begin = time.monotonic()
    for _ in range(3):
        microphone.close()
    assert time.monotonic() - begin < 1.0
