"""Sound of a scene, second by second."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from roma_ros.speech import say
from roma_ros.units import UNIT_RATE
from roma_ros.world.recordings import rendered
from roma_ros.world.scene import Scene, SoundEvent
from roma_ros.world.splits import Purpose, generator
from roma_ros.world.words import AnySound, Sound

__all__ = ["SoundRenderer", "lay_over"]

BANK = 1 << 20  # samples of noise, about 65 s, used cyclically
SOFT = 0.01  # fade-in and fade-out of a beep, tone or burst in seconds
WORD_PEAK = 0.4  # typical peak amplitude of a spoken word
LOUDEST = 0.95  # peak amplitude of a recording


class SoundRenderer:
    """Renderer of a scene's sound; deterministic in the scene.

    Args:
        scene: scene to render.

    Raises:
        SpeechError: the scene has speech and espeak-ng is missing.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        random = generator(scene.seed, Purpose.SOUNDS)
        self._hiss_start, self._rumble_start = random.integers(BANK, size=2).tolist()
        self._events: dict[int, list[SoundEvent]] = defaultdict(list)  # by second
        for event in scene.sounds:
            for second in range(int(event.onset), int(event.end) + 1):
                self._events[second].append(event)
        self._lines = [
            (round(line.onset * UNIT_RATE), say(line.text, line.voice)) for line in scene.speech
        ]

    def second(self, index: int) -> np.ndarray:
        """Render the sound of a unit: float32 (16000,) in [-1, 1].

        Raises:
            RecordingsError: a recording of the scene can no longer be read.
        """
        first = index * UNIT_RATE
        room = self.scene.room
        sound = room.hiss * _from_bank(_white(), self._hiss_start + first)
        sound += room.rumble * _from_bank(_brown(), self._rumble_start + first)
        for event in self._events.get(index, ()):
            _add(sound, event, round(event.onset * UNIT_RATE) - first)
        for onset, line in self._lines:
            lay_over(sound, line, onset - first)
        return np.clip(sound, -1.0, 1.0, out=sound)


def _add(sound: np.ndarray, event: SoundEvent, onset: int) -> None:
    """Mix an event into a second of sound, from sample `onset` on, which may be negative."""
    if event.playback is not None:
        played = rendered(event.playback)
        level = min(event.level, LOUDEST / float(np.abs(played).max()))
        lay_over(sound, played[: round(event.duration * UNIT_RATE)] * np.float32(level), onset)
        return
    length = round(event.duration * UNIT_RATE)
    if event.kind is Sound.WORD:
        assert event.voice is not None
        word = say(event.word, event.voice)[:length]
        lay_over(sound, word * np.float32(event.level / WORD_PEAK), onset)
        return
    low, high = max(onset, 0), min(onset + length, len(sound))
    if low < high:
        time = np.arange(low - onset, high - onset, dtype=np.float32) / UNIT_RATE
        sound[low:high] += event.level * WAVES[event.kind](time % np.float32(event.period), event)


def lay_over(sound: np.ndarray, clip: np.ndarray, onset: int) -> None:
    """Mix a clip into the sound from sample `onset` on; what lies outside the sound is left out."""
    low, high = max(onset, 0), min(onset + len(clip), len(sound))
    if low < high:
        sound[low:high] += clip[low - onset : high - onset]


# Each returns one sound at `time` seconds from its start: float32 (n,) in [-1, 1].


def _beep(time: np.ndarray, event: SoundEvent) -> np.ndarray:
    return np.asarray(_swell(time, event.each) * _sine(event.pitch, time))


def _tone(time: np.ndarray, event: SoundEvent) -> np.ndarray:
    wave = _sine(event.pitch, time)
    wave += 0.3 * _sine(2 * event.pitch, time) + 0.15 * _sine(3 * event.pitch, time)
    return np.asarray(_swell(time, event.each) * wave / np.float32(1.45))


def _burst(time: np.ndarray, event: SoundEvent) -> np.ndarray:
    start = round(event.onset * UNIT_RATE)
    noise = _from_bank(_white(), start, len(time))
    return np.asarray(_swell(time, event.each) * noise / np.float32(4))


def _knock(time: np.ndarray, event: SoundEvent) -> np.ndarray:
    body = _sine(event.pitch, time) + np.float32(0.5) * _sine(2.7 * event.pitch, time)
    fading = np.exp(time * np.float32(-1 / 0.025), where=time < event.each, out=np.zeros_like(time))
    attack = np.minimum(time / np.float32(0.001), 1)
    return np.asarray(fading * attack * body / np.float32(1.5))


WAVES: dict[AnySound, Callable[[np.ndarray, SoundEvent], np.ndarray]] = {
    Sound.BEEP: _beep,
    Sound.TONE: _tone,
    Sound.BURST: _burst,
    Sound.KNOCK: _knock,
}


def _sine(pitch: float, time: np.ndarray) -> np.ndarray:
    return np.asarray(np.sin(time * np.float32(2 * np.pi * pitch)))


def _swell(time: np.ndarray, length: float) -> np.ndarray:
    """Return an envelope that rises from 0 to 1 and falls back to 0 at `length` seconds."""
    edge = np.minimum(time, np.float32(length) - time) / np.float32(SOFT)
    return np.asarray(np.clip(edge, 0, 1))


@lru_cache(maxsize=1)
def _white() -> np.ndarray:
    """Return white noise with a root mean square of 1: float32 (BANK,)."""
    return np.random.default_rng(1).standard_normal(BANK, np.float32)


@lru_cache(maxsize=1)
def _brown() -> np.ndarray:
    """Return noise with most of its power below 200 Hz and a root mean square of 1: (BANK,)."""
    spectrum = np.fft.rfft(np.random.default_rng(2).standard_normal(BANK))
    hertz = np.fft.rfftfreq(BANK, 1 / UNIT_RATE)
    noise = np.fft.irfft(spectrum / (hertz + 30) * (hertz > 15), BANK)
    return np.asarray(noise / noise.std(), np.float32)


def _from_bank(bank: np.ndarray, start: int, length: int = UNIT_RATE) -> np.ndarray:
    """Return `length` samples of the bank from `start` on, cyclically."""
    start %= BANK
    stretch = bank[start : start + length]
    if len(stretch) < length:
        return np.concatenate([stretch, bank[: length - len(stretch)]])
    return stretch
