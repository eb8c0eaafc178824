"""Samples of videos with instructions, questions and the expected output, for training.

The format is that of ROMA's public release (`Sample`, `read_samples`, `write_samples`).
`sample_units` decodes the video of a sample into units, with its spoken queries mixed in.
`export_exercises` writes exercises on synthetic scenes in the same format. torch is not needed.
"""

from roma_ros.data.augmentation import Augmentation, Variation, vary
from roma_ros.data.build import BuildOptions, build_samples
from roma_ros.data.errors import DataError, SampleError
from roma_ros.data.export import SAMPLES_NAME, exercise_sample, export_exercises
from roma_ros.data.own_clips import ClipLabel, clip_rows, read_labels, write_labels
from roma_ros.data.report import BuildReport
from roma_ros.data.rows import AlertRow, CaptionSegment, NarrationRow, QuestionRow, Row, Turn
from roma_ros.data.sample_units import sample_units
from roma_ros.data.samples import (
    Sample,
    SampleAnswer,
    SampleIndex,
    SampleQuery,
    iterate_samples,
    read_samples,
    write_samples,
)
from roma_ros.data.skip_log import SkipLog
from roma_ros.data.video_folder import VideoFolder
from roma_ros.data.videos import check_videos
from roma_ros.task import Task

__all__ = [
    "SAMPLES_NAME",
    "AlertRow",
    "Augmentation",
    "BuildOptions",
    "BuildReport",
    "CaptionSegment",
    "ClipLabel",
    "DataError",
    "NarrationRow",
    "QuestionRow",
    "Row",
    "Sample",
    "SampleAnswer",
    "SampleError",
    "SampleIndex",
    "SampleQuery",
    "SkipLog",
    "Task",
    "Turn",
    "Variation",
    "VideoFolder",
    "build_samples",
    "check_videos",
    "clip_rows",
    "exercise_sample",
    "export_exercises",
    "iterate_samples",
    "read_labels",
    "read_samples",
    "sample_units",
    "vary",
    "write_labels",
    "write_samples",
]
