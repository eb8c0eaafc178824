"""Microphone: its settings, and what is said where there is none."""

from __future__ import annotations

import subprocess
import sys

import pytest

from roma_ros.sources import Microphone, MicrophoneConfig, MicrophoneError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 4_000}, "rate is 4000 Hz; expected 8000 to 192000"),
        ({"channels": 0}, "channels is 0; expected 1 to 8"),
        ({"channels": 9}, "channels is 9; expected 1 to 8"),
        ({"block_seconds": 2.0}, "block_seconds is 2.0; expected 0.005 to 0.5"),
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
