"""Samples of videos with instructions, questions and the expected output, for training.

The format is that of ROMA's public release (`Sample`, `read_samples`, `write_samples`).
`sample_units` decodes the video of a sample into units, with its spoken queries mixed in.
`export_exercises` writes exercises on synthetic scenes in the same format. torch is not needed.
"""

from roma_ros.data.errors import DataError, SampleError
from roma_ros.data.export import SAMPLES_NAME, exercise_sample, export_exercises
from roma_ros.data.sample_units import sample_units
from roma_ros.data.samples import (
    Sample,
    SampleAnswer,
    SampleQuery,
    read_samples,
    write_samples,
)
from roma_ros.task import Task

__all__ = [
    "SAMPLES_NAME",
    "DataError",
    "Sample",
    "SampleAnswer",
    "SampleError",
    "SampleQuery",
    "Task",
    "exercise_sample",
    "export_exercises",
    "read_samples",
    "sample_units",
    "write_samples",
]
