"""Spoken queries: a WAV file for each instruction or question, in varied voices."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from roma_ros.data.errors import DataError
from roma_ros.data.samples import Sample, SampleAnswer, SampleQuery
from roma_ros.speech import SpeechError, say
from roma_ros.task import Task
from roma_ros.units import UNIT_RATE
from roma_ros.world.errors import WorldError
from roma_ros.world.film import write_speech
from roma_ros.world.splits import Split
from roma_ros.world.voices import draw_voice

__all__ = ["speak_sample"]

PAUSE = 0.1  # seconds from the start of a unit to a spoken question


def speak_sample(
    sample: Sample, folder: Path, speech: Path, seed: int, *, split: Split = Split.TRAIN
) -> Sample:
    """Return a sample with its queries spoken, in a voice of its own.

    An instruction begins at its time, at the earliest with the first unit, and answers keep their
    times. A question begins at its time, when what it needs has been seen, and its answer is due
    when it has been spoken; questions that would overlap follow one another.

    Args:
        sample: the sample; queries that are spoken already stay as they are.
        folder: folder that its paths are relative to.
        speech: folder for the WAV files; one with the same text and voice is written once.
        seed: seed of the voices.
        split: voices to draw from; validation and test have others than training.

    Raises:
        DataError: a text cannot be spoken, or a file cannot be written.
    """
    queries: list[SampleQuery] = []
    answers = list(sample.answers)
    reached = 0.0
    for number, query in enumerate(sample.queries):
        if query.audio is not None:
            queries.append(query)
            reached = math.ceil(query.time + query.duration)
            continue
        path, duration = _file(sample, query.text, speech, (seed, number), split)
        begins = query.time
        if sample.task is Task.QUESTION:
            begins = max(query.time, reached) + PAUSE
            reached = float(math.ceil(begins + duration))
            if number < len(answers):
                answers[number] = SampleAnswer(answers[number].text, reached)
        queries.append(
            replace(
                query,
                audio=os.path.relpath(path, folder),
                time=round(begins, 3),
                duration=round(duration, 3),
            )
        )
    return replace(sample, queries=tuple(queries), answers=tuple(answers))


def _file(
    sample: Sample, text: str, speech: Path, seed: tuple[int, int], split: Split
) -> tuple[Path, float]:
    """Return the path of a spoken text and its length in seconds."""
    drawn = int.from_bytes(hashlib.sha256(sample.id.encode()).digest()[:6], "big")
    voice = draw_voice(np.random.default_rng((*seed, drawn)), split)
    name = hashlib.sha256(f"{voice}\n{text}".encode()).hexdigest()[:20]
    path = speech / f"{name}.wav"
    try:
        sound = say(text, voice)
        if not path.exists():
            speech.mkdir(parents=True, exist_ok=True)
            write_speech(path, sound)
    except (SpeechError, WorldError, OSError) as error:
        raise DataError(f"sample {sample.id}: {text[:60]!r} cannot be spoken: {error}") from error
    return path, len(sound) / UNIT_RATE
