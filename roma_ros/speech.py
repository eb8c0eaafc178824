"""Speech synthesis by the espeak-ng library that the package espeakng-loader contains."""

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
SYNCHRONOUS = 2  # espeak_Synth returns at the end, and plays nothing
DONT_EXIT = 0x8000  # a failure to start is returned as an error code
CHARS_UTF8 = 1
RATE, PITCH = 1, 3  # espeak_PARAMETER
LIST_ENDS, WORD_BEGINS = 0, 1  # espeak_EVENT_TYPE


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

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

LOUDNESS = 0.1  # root mean square of a speech, of full scale 1.0
QUIET = 0.005  # peak of samples that are cut off at both ends
LIBRARY_LOCK = threading.Lock()  # the library has one state for the whole process


class SpeechError(RuntimeError):
    """Raised when text cannot be synthesised: espeak-ng is missing, or has no such voice."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Settings of a synthetic voice.

    Attributes:
        name: espeak-ng's name, a language or dialect with a variant after `+`, such as "en-us+f3".
        speed: words per minute.
        pitch: 0 to 99; 50 is the voice's own.
    """

    name: str
    speed: int = 160
    pitch: int = 50


@dataclass(frozen=True, slots=True)
class SpokenWord:
    """A word of a speech, and its time.

    Attributes:
        text: the word as written, without punctuation.
        begins, ends: times from the beginning of the speech, s.
    """

    text: str
    begins: float
    ends: float

    def delayed(self, seconds: float) -> SpokenWord:
        """Return the word at a later time."""
        return replace(self, begins=self.begins + seconds, ends=self.ends + seconds)


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Synthesised speech.

    Attributes:
        sound: float32 (n,), mono at 16 kHz, full scale 1.0, read-only, without silence at its ends;
            root mean square 0.1.
        words: the words in their order. A word that the voice joins to the one before it ("the",
            "far") has no entry of its own.
    """

    sound: np.ndarray
    words: tuple[SpokenWord, ...]


def say(text: str, voice: Voice) -> np.ndarray:
    """Synthesise a text: float32 (n,), mono at 16 kHz.

    Raises:
        SpeechError: as for `speak`.
    """
    return speak(text, voice).sound


@lru_cache(maxsize=512)  # about 50 MB
def speak(text: str, voice: Voice) -> Speech:
    """Synthesise a text. The result is always the same for the same text and voice.

    Args:
        text: at least one word.
        voice: voice to use.

    Raises:
        SpeechError: espeak-ng is missing, has no such voice, or the text has no word.
    """
    with LIBRARY_LOCK:
        pcm, rate, begins = _synthesise(text, voice)
    speech = soxr.resample(pcm.astype(np.float32) / 32768, rate, UNIT_RATE)
    loud = np.flatnonzero(np.abs(speech) > QUIET)
    if not loud.size:
        raise SpeechError(f"the speech for {text!r} is silent; expected text with words in it")
    speech = speech[loud[0] : loud[-1] + 1]
    loudness = np.sqrt(np.mean(speech**2))
    sound: np.ndarray = np.clip(speech * (LOUDNESS / loudness), -1, 1).astype(np.float32)
    sound.setflags(write=False)
    silence = int(loud[0]) / UNIT_RATE
    times = [max(sample / rate - silence, 0.0) for _, sample in begins]
    spans = itertools.pairwise([*times, len(sound) / UNIT_RATE])
    written = (_word_at(position, text) for position, _ in begins)
    return Speech(sound, tuple(SpokenWord(w, *t) for w, t in zip(written, spans, strict=True)))


def _word_at(position: int, text: str) -> str:
    """Return the word at a position of the text, without punctuation.

    espeak-ng gives positions inside of some words.
    """
    first = text.rfind(" ", 0, position) + 1
    return text[first:].split()[0].strip(".,?!")


def _synthesise(text: str, voice: Voice) -> tuple[np.ndarray, int, list[tuple[int, int]]]:
    """Return int16 (n,), its rate (Hz), and each word's position in the text and first sample."""
    # The library keeps state from one text to the next (the flutter of a voice continues), which
    # not even espeak_Terminate resets. Loaded again, it gives the same result every time.
    library, data_path = _load()
    try:
        rate = library.espeak_Initialize(SYNCHRONOUS, 0, data_path.encode(), DONT_EXIT)
        if rate <= 0:
            raise SpeechError(f"espeak-ng cannot start with its data in {data_path}")
        chunks: list[np.ndarray] = []
        words: list[tuple[int, int]] = []

        def take(
            samples: ctypes._Pointer[ctypes.c_short],
            count: int,
            events: ctypes._Pointer[_Event],
        ) -> int:
            if samples and count > 0:
                chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
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
        # The breath noise of a voice is random: by a generator of the library's own, and by C's,
        # both seeded with the time of day otherwise.
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        ctypes.CDLL(None).srand(1)
        encoded = text.encode()
        library.espeak_Synth(encoded, len(encoded) + 1, 0, 0, 0, CHARS_UTF8, None, None)
        library.espeak_Terminate()
    finally:
        _unload(library)
    return (np.concatenate(chunks) if chunks else np.empty(0, np.int16)), rate, words


def _each(events: ctypes._Pointer[_Event]) -> Iterator[_Event]:
    for number in itertools.count() if events else ():
        if events[number].type == LIST_ENDS:
            return
        yield events[number]


def _load() -> tuple[ctypes.CDLL, str]:
    """Load the library; return it and the folder with its voices."""
    try:
        import espeakng_loader  # type: ignore[import-untyped]
    except ImportError as error:
        raise SpeechError(
            "speech synthesis needs espeak-ng; install it with `pip install espeakng-loader`"
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
