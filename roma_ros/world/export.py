"""Export of exercises: a folder of videos, WAV files of spoken lines, and one file of samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from roma_ros.speech import say
from roma_ros.world.exercise import Exercise
from roma_ros.world.film import write_film, write_speech
from roma_ros.world.samples import write_samples
from roma_ros.world.scene import Scene

__all__ = ["SAMPLES_NAME", "export_exercises"]

SAMPLES_NAME = "samples.json"


def export_exercises(
    folder: Path, exercises: Iterable[Exercise], *, height: int = 224, width: int = 224
) -> Path:
    """Write exercises in the format of the public release; return the path of the samples.

    Exercises on the same scene share one video. Spoken lines are separate WAV files, which a reader
    of the samples mixes into the sound track (`sample_units`).

    Args:
        folder: output folder; created if it is missing. Files in it are overwritten.
        exercises: exercises to write.
        height, width: size of the videos in pixels.

    Raises:
        FilmError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    videos: dict[Scene, str] = {}
    samples = []
    for exercise in exercises:
        silent = replace(exercise.scene, speech=())
        if silent not in videos:
            videos[silent] = f"{exercise.id}.mp4"
            write_film(folder / videos[silent], silent, height=height, width=width)
        audio = None
        if exercise.line is not None:
            audio = f"{exercise.id}.wav"
            write_speech(folder / audio, say(exercise.line.text, exercise.line.voice))
        samples.append(exercise.sample(videos[silent], audio))
    path = folder / SAMPLES_NAME
    write_samples(path, samples)
    return path
