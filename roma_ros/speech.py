"""Text -> spoken words, by the espeak-ng library that espeakng-loader brings along."""

from __future__ import annotations

import ctypes
import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import soxr

from roma_ros.units import UNIT_RATE

__all__ = ["Speech", "SpeechError", "SpokenWord", "Voice", "say", "speak"]

# From espeak-ng's speak_lib.h.
SYNCHRONOUS = 2  # espeak_Synth returns when all is spoken, and plays nothing
DONT_EXIT = 0x8000  # a failure to start is returned
CHARS_UTF8 = 1
RATE, PITCH = 1, 3  # espeak_PARAMETER
LIST_ENDS, WORD_BEGINS = 0, 1  # espeak_EVENT_TYPE


class _Event(ctypes.Structure):
    """espeak_EVENT."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_void_p),
    )


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)

LOUDNESS = 0.1  # root mean square of a line
QUIET = 0.005  # what is softer at the ends of a line is cut off
SPOKEN_AT_ONCE = threading.Lock()  # the library has one state for the whole process


class SpeechError(RuntimeError):
    """Words cannot be spoken: espeak-ng is missing, or does not know the voice."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A way of speaking.

    Attributes:
        name: espeak-ng's, a language or dialect with a variant after `+`.
        speed: words a minute.
        pitch: 0 to 99; 50 is the voice's own.
    """

    name: str
    speed: int = 160
    pitch: int = 50


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word, and when it is heard.

    Attributes:
        text: as it is written, without punctuation.
        begins, ends: seconds from the beginning of the line.
    """

    text: str
    begins: float
    ends: float

    def delayed(self, seconds: float) -> SpokenWord:
        return replace(self, begins=self.begins + seconds, ends=self.ends + seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """A spoken line.

    Attributes:
        sound: float32 (n,) at 16 kHz, not to be written to, without silence at its ends. Root mean
            square 0.1.
        words: in their order. What the voice runs into the word before it ("the", "far") has no
            entry of its own.
    """

    sound: np.ndarray
    words: tuple[SpokenWord, ...]


def say(text: str, voice: Voice) -> np.ndarray:
    """The sound of `speak`."""
    return speak(text, voice).sound


@lru_cache(maxsize=512)  # about 50 MB
def speak(text: str, voice: Voice) -> Speech:
    """Say something aloud: the same for the same text and voice, always.

    Args:
        text: in words.
        voice: by whom.

    Raises:
        SpeechError: espeak-ng is not there, does not know the voice, or finds nothing to say.
    """
    with SPOKEN_AT_ONCE:
        pcm, rate, begins = _synthesise(text, voice)
    line = soxr.resample(pcm.astype(np.float32) / 32768, rate, UNIT_RATE)
    loud = np.flatnonzero(np.abs(line) > QUIET)
    if not loud.size:
        raise SpeechError(f"the speech for {text!r} is silent; expected text with words in it")
    line = line[loud[0] : loud[-1] + 1]
    loudness = np.sqrt(np.mean(line**2))
    sound: np.ndarray = np.clip(line * (LOUDNESS / loudness), -1, 1).astype(np.float32)
    sound.setflags(write=False)
    silence = int(loud[0]) / UNIT_RATE
    times = [max(sample / rate - silence, 0.0) for _, sample in begins]
    heard = itertools.pairwise([*times, len(sound) / UNIT_RATE])
    written = (_word_at(position, text) for position, _ in begins)
    return Speech(sound, tuple(SpokenWord(w, *t) for w, t in zip(written, heard, strict=True)))


def _word_at(position: int, text: str) -> str:
    """Without punctuation; espeak-ng points into the midst of some words."""
    first = text.rfind(" ", 0, position) + 1
    return text[first:].split()[0].strip(".,?!")


def _synthesise(text: str, voice: Voice) -> tuple[np.ndarray, int, list[tuple[int, int]]]:
    """int16 (n,), its rate in Hz, and where each word begins: in the text, and which sample."""
    # The library keeps state from one line to the next (the flutter of a voice goes on where it
    # was), which not even espeak_Terminate resets. Loaded afresh, it says the same every time.
    library, data_path = _load()
    try:
        rate = library.espeak_Initialize(SYNCHRONOUS, 0, data_path.encode(), DONT_EXIT)
        if rate <= 0:
            raise SpeechError(f"espeak-ng cannot start with its data in {data_path}")
        pieces: list[np.ndarray] = []
        words: list[tuple[int, int]] = []

        def take(
            samples: ctypes._Pointer[ctypes.c_short],
            count: int,
            events: ctypes._Pointer[_Event],
        ) -> int:
            if samples and count > 0:
                pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
            for event in _each(events):
                if event.type == WORD_BEGINS:
                    words.append((event.text_position - 1, event.sample))
            return 0

        callback = Callback(take)  # kept for as long as it may be called
        library.espeak_SetSynthCallback(callback)
        if library.espeak_SetVoiceByName(voice.name.encode()):
            raise SpeechError(f"espeak-ng has no voice {voice.name!r}; `en-us` is one that it has")
        library.espeak_SetParameter(RATE, voice.speed, 0)
        library.espeak_SetParameter(PITCH, voice.pitch, 0)
        # The breath in a voice is random, by the time of day unless it is told otherwise: by a
        # generator of the library's own, and by C's.
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        ctypes.CDLL(None).srand(1)
        line = text.encode()
        library.espeak_Synth(line, len(line) + 1, 0, 0, 0, CHARS_UTF8, None, None)
        library.espeak_Terminate()
    finally:
        _unload(library)
    return (np.concatenate(pieces) if pieces else np.empty(0, np.int16)), rate, words


def _each(events: ctypes._Pointer[_Event]) -> Iterator[_Event]:
    for number in itertools.count() if events else ():
        if events[number].type == LIST_ENDS:
            return
        yield events[number]


def _load() -> tuple[ctypes.CDLL, str]:
    """The library, and the folder with its voices."""
    try:
        import espeakng_loader  # type: ignore[import-untyped]
    except ImportError as error:
        raise SpeechError(
            "spoken words need espeak-ng; install it with `pip install espeakng-loader`"
        ) from error
    try:
        library = ctypes.CDLL(espeakng_loader.get_library_path())
    except OSError as error:
        raise SpeechError(f"the espeak-ng library cannot be loaded: {error}") from error
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    return library, espeakng_loader.get_data_path()


def _unload(library: ctypes.CDLL) -> None:
    close = ctypes.CDLL(None).dlclose
    close.argtypes = [ctypes.c_void_p]
    close(library._handle)
