"""Export of exercises: a folder of videos, WAV files of spoken lines, and one file of samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from roma_ros.data.labels import ALERT_WORD
from roma_ros.data.samples import Sample, SampleAnswer, SampleQuery, write_samples
from roma_ros.speech import say
from roma_ros.world.alert import WorldAlert
from roma_ros.world.exercise import Exercise
from roma_ros.world.film import write_film, write_speech
from roma_ros.world.questions import WorldQuestion
from roma_ros.world.scene import Scene

__all__ = ["SAMPLES_NAME", "exercise_sample", "export_exercises"]

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
        samples.append(exercise_sample(exercise, videos[silent], audio))
    path = folder / SAMPLES_NAME
    write_samples(path, samples)
    return path


def exercise_sample(exercise: Exercise, video: str, audio: str | None) -> Sample:
    """Return an exercise as a sample of the public release.

    Args:
        exercise: the exercise.
        video: path of the scene as a video file, without the spoken instruction or question.
        audio: path of the spoken instruction or question; `None` if it is text only.
    """
    begins, duration = 0.0, 0.0
    if exercise.line is not None:
        begins = exercise.line.onset
        duration = exercise.told_after - begins
    elif isinstance(exercise.subject, WorldQuestion):
        begins = exercise.subject.unit + 1.0
    if isinstance(exercise.subject, WorldAlert):
        due = [(unit, ALERT_WORD) for unit in np.flatnonzero(exercise.labels).tolist()]
    else:
        due = [(reply.unit, reply.text) for reply in exercise.replies]
    return Sample(
        task=exercise.task,
        id=exercise.id,
        video=(video,),
        queries=(SampleQuery(text=exercise.text, audio=audio, time=begins, duration=duration),),
        answers=tuple(SampleAnswer(text, unit + 1.0) for unit, text in due),
    )
