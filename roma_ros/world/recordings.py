"""Recorded sounds: a folder of recordings as a library of clips, and how a scene plays them.

Three layouts are read: ESC-10's folders (`001 - Dog bark/1-100032-A.ogg`), ESC-50's (`audio/*.wav`
and `meta/esc50.csv`), and any folder with one subfolder for each kind of sound.
"""

from __future__ import annotations

import csv
import logging
import re
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import soxr

from roma_ros.sources import SourceError
from roma_ros.sources.audio_file import read_audio
from roma_ros.units import UNIT_RATE
from roma_ros.world.errors import RecordingsError
from roma_ros.world.splits import Split
from roma_ros.world.words import RecordedSound, recorded_sound

__all__ = ["Clip", "PlayedClip", "RecordedFile", "RecordingLibrary", "active_spans", "rendered"]

log = logging.getLogger(__name__)

SUFFIXES = frozenset({".wav", ".ogg", ".flac", ".mp3", ".m4a", ".opus", ".aac", ".aif", ".aiff"})
LONGEST = 60.0  # seconds of a recording: all of it is decoded
HELD_OUT = 0.2  # share of a kind's recordings that are held out where no folds are given
ESC_NAME = re.compile(r"([1-5])-\d+(-[A-Z])?(-\d+)?$")  # first digit: fold
CACHED_BYTES = 64 << 20  # of decoded recordings in a process

FRAME = 320  # samples of a level, 20 ms
QUIET = 25.0  # dB below the loud parts at which a recording counts as silent
ABOVE_FLOOR = 6.0  # dB above its quietest tenth, where that is louder
STEADY = 15.0  # dB below the loud parts that count as sounding however loud the quietest tenth is
SILENT = -75.0  # dB of full scale: a recording that is never louder is refused
GAP = 0.5  # seconds of silence within a sound that count as part of it
MARGIN = 0.02  # seconds kept before and after a sound
FADE = 0.01  # seconds of fade-in and fade-out of what is played
TAIL = 0.25  # seconds that reverberation is heard after the end
EQ_HZ = (60.0, 250.0, 1000.0, 3000.0, 8000.0)  # frequencies of the gains of a colour


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """File of a library.

    Attributes:
        kind: kind of sound.
        path: path of the file.
        fold: fold of ESC-10 and ESC-50, 1 to 5; `None` where the folder has no folds.
    """

    kind: RecordedSound
    path: Path
    fold: int | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """Recording that has been read, with the times at which it sounds.

    Attributes:
        kind: kind of sound.
        path: path of the file.
        spans: begin and end in seconds of each stretch in which it sounds, at least one.
        loudness: root mean square of these stretches, full scale 1.0.
    """

    kind: RecordedSound
    path: Path
    spans: tuple[tuple[float, float], ...]
    loudness: float

    @property
    def begins(self) -> float:
        """Time in the file at which it first sounds, s."""
        return self.spans[0][0]

    @property
    def ends(self) -> float:
        """Time in the file at which it has sounded last, s."""
        return self.spans[-1][1]

    @property
    def sounding(self) -> float:
        """Sum of its spans, s."""
        return sum(end - begin for begin, end in self.spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayedClip:
    """Stretch of a clip as it is played: cut out, faster or slower, filtered, in a room.

    Attributes:
        clip: the clip.
        begins, ends: stretch of the file, s.
        speed: factor on speed and pitch.
        gains: gains in dB at `EQ_HZ`, linear in between over the logarithm of the frequency.
        low_pass: frequency in Hz above which the sound fades; 0 for none.
        decay: time in seconds in which reverberation falls by 60 dB; 0 for none.
        wet: level of the reverberation as a share of the sound's.
        seed: seed of the reverberation.
    """

    clip: Clip
    begins: float
    ends: float
    speed: float = 1.0
    gains: tuple[float, ...] = (0.0,) * len(EQ_HZ)
    low_pass: float = 0.0
    decay: float = 0.0
    wet: float = 0.0
    seed: int = 0

    @property
    def duration(self) -> float:
        """Length of what is played, reverberation included, s."""
        return (self.ends - self.begins) / self.speed + (TAIL if self.decay else 0.0)

    @property
    def spans(self) -> tuple[tuple[float, float], ...]:
        """Begin and end of each stretch that sounds, in seconds from the start of the playback."""
        cut = (
            (max(begin, self.begins), min(end, self.ends))
            for begin, end in self.clip.spans
            if begin < self.ends and end > self.begins
        )
        return tuple(
            ((begin - self.begins) / self.speed, (end - self.begins) / self.speed)
            for begin, end in cut
        )

    @classmethod
    def drawn(cls, clip: Clip, random: np.random.Generator, longest: float) -> PlayedClip:
        """Draw a playback of a clip, at most `longest` seconds of it."""
        speed = float(random.uniform(0.9, 1.1))
        length = clip.ends - clip.begins
        if length > 1.5 and random.random() < 0.4:
            length = float(random.uniform(1.2, length))
        length = min(length, longest * speed)
        starts = [begin for begin, _ in clip.spans if begin + length <= clip.ends]
        begins = starts[random.integers(len(starts))] if starts else clip.begins
        if len(clip.spans) == 1:
            begins += float(random.uniform(0, clip.ends - clip.begins - length))
        return cls(
            clip=clip,
            begins=begins,
            ends=min(begins + length, clip.ends),
            speed=speed,
            gains=tuple(random.uniform(-5, 5, len(EQ_HZ)).round(2).tolist()),
            low_pass=float(random.uniform(2500, 7500)) if random.random() < 0.3 else 0.0,
            decay=float(random.uniform(0.1, 0.7)) if random.random() < 0.5 else 0.0,
            wet=float(random.uniform(0.1, 0.5)),
            seed=int(random.integers(1 << 31)),
        )


@dataclass(frozen=True)
class RecordingLibrary:
    """Recordings of a folder by kind of sound and split. Files are read when they are drawn.

    Folds 1 to 3 belong to the train split, fold 4 to validation and test; fold 5 to none. Where a
    folder has no folds, a hash of each file's name holds out a fifth.

    Attributes:
        folder: the folder.
        recordings: its files, by kind and name.
        train_folds: folds of the train split.
        held_out_folds: folds of the validation and test splits.
    """

    folder: Path
    recordings: tuple[RecordedFile, ...]
    train_folds: tuple[int, ...] = (1, 2, 3)
    held_out_folds: tuple[int, ...] = (4,)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        train_folds: Sequence[int] = (1, 2, 3),
        held_out_folds: Sequence[int] = (4,),
    ) -> RecordingLibrary:
        """List the recordings of a folder; none is read yet.

        Raises:
            RecordingsError: the folder is missing, has no recordings, or has none in any fold that
                is used.
        """
        if not folder.is_dir():
            raise RecordingsError(
                f"{folder} is not a folder; expected one of recordings, such as ESC-10 or ESC-50"
            )
        table = folder / "meta" / "esc50.csv"
        found = _from_table(folder, table) if table.is_file() else _from_folders(folder)
        recordings = tuple(sorted(found, key=lambda one: (one.kind.value, one.path.name)))
        library = cls(folder, recordings, tuple(train_folds), tuple(held_out_folds))
        if not recordings:
            raise RecordingsError(
                f"{folder} has no recordings; expected one subfolder for each kind of sound, with "
                f"files that end in {', '.join(sorted(SUFFIXES))}"
            )
        if not any(library._by_split.values()):
            folds = sorted({one.fold for one in recordings if one.fold is not None})
            raise RecordingsError(
                f"{folder} has recordings of the folds {folds}; expected some of "
                f"{sorted({*train_folds, *held_out_folds})}"
            )
        for kind in library._single:
            log.warning(
                "%s has one recording of %r; expected two or more: it is used in training, and "
                "none is left for evaluation",
                folder,
                kind.value,
            )
        return library

    @property
    def kinds(self) -> tuple[RecordedSound, ...]:
        """All kinds of sound, of any split."""
        return tuple(dict.fromkeys(one.kind for one in self.recordings))

    def folds(self, split: Split) -> tuple[int, ...]:
        """Return the folds of a split."""
        return self.train_folds if split is Split.TRAIN else self.held_out_folds

    def kinds_of(self, split: Split) -> tuple[RecordedSound, ...]:
        """Return the kinds of sound that have a recording in a split."""
        return tuple(self._by_split[split])

    def files(self, split: Split, kind: RecordedSound) -> tuple[RecordedFile, ...]:
        """Return the recordings of a kind in a split."""
        return self._by_split[split].get(kind, ())

    def clip(self, split: Split, kind: RecordedSound, random: np.random.Generator) -> Clip:
        """Draw and read a clip; a file that is no sound is reported once, and the next one drawn.

        Raises:
            RecordingsError: the split has no recording of the kind that can be used.
        """
        files = self.files(split, kind)
        first = int(random.integers(max(len(files), 1)))
        for file in (*files[first:], *files[:first]):
            clip = read_clip(file.kind, file.path)
            if clip is not None:
                return clip
        raise RecordingsError(
            f"{self.folder} has no usable recording of {kind.value!r} in the split "
            f"{split.name.lower()}, of {len(files)} files; expected at least one"
        )

    def clips(self, split: Split) -> Iterator[Clip]:
        """Read all clips of a split; files that are no sound are left out."""
        for files in self._by_split[split].values():
            for file in files:
                clip = read_clip(file.kind, file.path)
                if clip is not None:
                    yield clip

    @cached_property
    def _by_kind(self) -> dict[RecordedSound, list[RecordedFile]]:
        found: dict[RecordedSound, list[RecordedFile]] = {}
        for one in self.recordings:
            found.setdefault(one.kind, []).append(one)
        return found

    @cached_property
    def _single(self) -> list[RecordedSound]:
        """Kinds with a single recording, without folds."""
        return [k for k, files in self._by_kind.items() if len(files) == 1 and not files[0].fold]

    @cached_property
    def _by_split(self) -> dict[Split, dict[RecordedSound, tuple[RecordedFile, ...]]]:
        train: dict[RecordedSound, tuple[RecordedFile, ...]] = {}
        held_out: dict[RecordedSound, tuple[RecordedFile, ...]] = {}
        for kind, files in self._by_kind.items():
            kept = [one for one in files if self._is_held_out(one, files)]
            rest = [one for one in files if one not in kept and self._is_train(one)]
            if kept:
                held_out[kind] = tuple(kept)
            if rest:
                train[kind] = tuple(rest)
        return {Split.TRAIN: train, Split.VALIDATION: held_out, Split.TEST: held_out}

    def _is_train(self, one: RecordedFile) -> bool:
        return one.fold is None or one.fold in self.train_folds

    def _is_held_out(self, one: RecordedFile, files: list[RecordedFile]) -> bool:
        if one.fold is not None:
            return one.fold in self.held_out_folds
        loose = [other for other in files if other.fold is None]
        last = max(loose, key=lambda other: _hashed(other.path.name))
        return len(loose) > 1 and (one is last or _hashed(one.path.name) > 1 - HELD_OUT)


def _hashed(name: str) -> float:
    """Return a stable hash of a name, from 0 to 1."""
    return zlib.crc32(name.encode()) / 0xFFFFFFFF


def _from_folders(folder: Path) -> Iterator[RecordedFile]:
    """Yield the recordings of a folder with one subfolder for each kind of sound."""
    other: list[Path] = []
    for inner in sorted(folder.iterdir()):
        if not inner.is_dir() or inner.name.startswith("."):
            continue
        kind = recorded_sound(inner.name)
        for path in sorted(inner.iterdir()):
            if path.name.startswith("."):
                continue
            if path.suffix.lower() in SUFFIXES:
                yield RecordedFile(kind, path, _fold_of(path))
            else:
                other.append(path)
    if other:
        log.warning(
            "%s is no recording%s; expected files that end in %s: it is left out",
            other[0],
            f", nor are {len(other) - 1} other files of {folder}" if len(other) > 1 else "",
            ", ".join(sorted(SUFFIXES)),
        )


def _from_table(folder: Path, table: Path) -> Iterator[RecordedFile]:
    """Yield the recordings that ESC-50's table names, with their folds."""
    try:
        with table.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        named = [(row["filename"], int(row["fold"]), row["category"]) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        raise RecordingsError(
            f"{table} cannot be read: {error!r}; expected ESC-50's table with the columns "
            "filename, fold and category"
        ) from error
    for name, fold, category in named:
        # A name with folders in it could lead out of the folder.
        yield RecordedFile(recorded_sound(category), folder / "audio" / Path(name).name, fold)


def _fold_of(path: Path) -> int | None:
    match = ESC_NAME.match(path.stem)
    return int(match.group(1)) if match else None


@lru_cache(maxsize=1 << 15)
def read_clip(kind: RecordedSound, path: Path) -> Clip | None:
    """Read a recording and find where it sounds; `None`, with a warning, if it is no sound."""
    try:
        samples = _samples.of(path)
    except (SourceError, OSError, ValueError) as error:
        log.warning("%s cannot be read: %s; expected a sound file: it is left out", path, error)
        return None
    spans = active_spans(samples)
    if not spans:
        log.warning(
            "%s is silent, or shorter than 0.1 s; expected a recording of %r: it is left out",
            path,
            kind.value,
        )
        return None
    sounding = np.concatenate([_cut(samples, *span) for span in spans])
    return Clip(kind, path, spans, float(np.sqrt(np.mean(np.square(sounding)))))


def active_spans(samples: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Return begin and end in seconds of the stretches in which a recording sounds.

    A stretch sounds where its level is less than 25 dB below that of the loud parts, or less than
    15 dB where the recording is never quieter; gaps of up to half a second are part of it.

    Args:
        samples: float32 (n,), 16 kHz.
    """
    count = len(samples) // FRAME
    if count * FRAME < 0.1 * UNIT_RATE:
        return ()
    power = np.mean(np.square(samples[: count * FRAME].reshape(count, FRAME)), axis=1)
    level = 10 * np.log10(power + 1e-12)
    present = level[level > -95]
    if not len(present) or present.max() < SILENT:
        return ()
    loud = max(np.percentile(present, 95), present.max() - 6)
    floor = np.percentile(present, 10) + ABOVE_FLOOR
    sounds = level > max(loud - QUIET, min(floor, loud - STEADY))
    edges = np.flatnonzero(np.diff(sounds.astype(np.int8), prepend=0, append=0)) * FRAME / UNIT_RATE
    spans: list[tuple[float, float]] = []
    length = len(samples) / UNIT_RATE
    for begin, end in edges.reshape(-1, 2).tolist():
        begin, end = max(begin - MARGIN, 0.0), min(end + MARGIN, length)
        if spans and begin - spans[-1][1] <= GAP:
            begin = spans.pop()[0]
        spans.append((begin, end))
    return tuple(spans)


@lru_cache(maxsize=32)
def rendered(playback: PlayedClip) -> np.ndarray:
    """Render a playback with its loudness made 1.0: float32 (n,), 16 kHz.

    Raises:
        RecordingsError: the file could be read when it was drawn, and now cannot.
    """
    clip = playback.clip
    try:
        samples = _samples.of(clip.path)
    except SourceError as error:
        raise RecordingsError(f"{clip.path} can no longer be read: {error}") from error
    sound = _cut(samples, playback.begins, playback.ends) / np.float32(clip.loudness)
    sound = soxr.resample(sound, UNIT_RATE, UNIT_RATE / playback.speed)
    fade = min(round(FADE * UNIT_RATE), len(sound) // 2)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    sound[:fade] *= ramp
    sound[len(sound) - fade :] *= ramp[::-1]
    length = round(playback.duration * UNIT_RATE)
    return np.asarray(_filtered(sound, playback)[:length], np.float32)


def _filtered(sound: np.ndarray, playback: PlayedClip) -> np.ndarray:
    """Return the sound with the playback's colour and room; TAIL seconds longer."""
    size = len(sound) + round(TAIL * UNIT_RATE)
    padded = 1 << (2 * size - 1).bit_length() - 1
    hertz = np.fft.rfftfreq(padded, 1 / UNIT_RATE)
    gains = np.interp(np.log(hertz + 1), np.log(EQ_HZ), playback.gains)
    response = 10 ** (gains / 20)
    if playback.low_pass:
        response = response / np.sqrt(1 + (hertz / playback.low_pass) ** 8)
    spectrum = np.fft.rfft(sound, padded) * response
    if playback.decay:
        spectrum *= np.fft.rfft(_room(playback), padded)
    filtered = np.fft.irfft(spectrum, padded)[:size]
    filtered[len(sound) :] *= np.linspace(1, 0, size - len(sound))
    return np.asarray(filtered, np.float32)


def _room(playback: PlayedClip) -> np.ndarray:
    """Return the impulse response of a room: the sound itself, then fading noise."""
    time = np.arange(round(min(playback.decay, 0.5) * UNIT_RATE)) / UNIT_RATE
    noise = np.random.default_rng(playback.seed).standard_normal(len(time))
    noise *= 10 ** (-3 * time / playback.decay) * (time > 0.004)
    noise *= playback.wet / np.sqrt(np.sum(np.square(noise)) + 1e-9)
    noise[0] = 1.0
    return np.asarray(noise)


def _cut(samples: np.ndarray, begins: float, ends: float) -> np.ndarray:
    cut: np.ndarray = samples[round(begins * UNIT_RATE) : round(ends * UNIT_RATE)]
    return cut


class _Samples:
    """Cache of decoded recordings, bounded in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._bytes = 0
        self._kept: OrderedDict[Path, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[_Samples], tuple[int]]:
        return type(self), (self._limit,)

    def of(self, path: Path) -> np.ndarray:
        """Return a recording: float32 (n,), mono at 16 kHz, full scale 1.0."""
        with self._lock:
            kept = self._kept.get(path)
            if kept is None:
                kept = _packed(read_audio(path, max_seconds=LONGEST))
                self._bytes += kept.nbytes
                self._kept[path] = kept
                while self._bytes > self._limit and len(self._kept) > 1:
                    self._bytes -= self._kept.popitem(last=False)[1].nbytes
            self._kept.move_to_end(path)
        samples: np.ndarray = kept.astype(np.float32) / np.float32(32767)
        return samples


def _packed(samples: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(np.clip(samples, -1, 1) * 32767), np.int16)


_samples = _Samples(CACHED_BYTES)
