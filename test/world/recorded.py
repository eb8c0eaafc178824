"""Folders of made-up recordings."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from roma_ros.units import UNIT_RATE
from roma_ros.world import RecordedSound, RecordingLibrary
from roma_ros.world.words import recorded_sound

DOG, RAIN, WAVES, BABY = (recorded_sound(name) for name in ("dog", "rain", "waves", "baby"))
FOLDERS: dict[str, RecordedSound] = {
    "001 - Dog bark": DOG,
    "002 - Rain": RAIN,
    "003 - Sea waves": WAVES,
    "004 - Baby cry": BABY,
}
SECONDS = 4.0
BARKS = ((0.5, 0.9), (2.5, 2.8))  # when a made-up dog barks
HERTZ = {DOG: 700.0, WAVES: 1400.0, BABY: 2800.0}


def write_wav(path: Path, samples: np.ndarray, rate: int = UNIT_RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


def recording(kind: RecordedSound, seed: int = 0) -> np.ndarray:
    """Two barks with silence between and around them; else steady noise or a steady tone."""
    random = np.random.default_rng(seed)
    time = np.arange(round(SECONDS * UNIT_RATE)) / UNIT_RATE
    if kind == RAIN:
        return np.asarray(0.1 * random.standard_normal(len(time)).clip(-3, 3))
    tone = 0.3 * np.sin(2 * np.pi * HERTZ.get(kind, 500.0) * time)
    if kind == DOG:
        tone *= np.any([(begin <= time) & (time < end) for begin, end in BARKS], axis=0)
    return np.asarray(tone + 1e-4 * random.standard_normal(len(time)))


def write_esc_10(folder: Path) -> Path:
    """Four kinds of ESC-10 in its layout, one recording a fold."""
    for name, kind in FOLDERS.items():
        for fold in range(1, 6):
            write_wav(folder / name / f"{fold}-{100 + fold}-A.wav", recording(kind, fold))
    return folder


def library(folder: Path) -> RecordingLibrary:
    return RecordingLibrary.open(write_esc_10(folder))
