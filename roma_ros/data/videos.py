"""Check of a sample's video before it is used: missing, damaged, too short, without sound."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from roma_ros.data.errors import SampleError
from roma_ros.data.samples import Sample
from roma_ros.data.skip_log import SkipLog
from roma_ros.sources import MediaError
from roma_ros.sources.media_info import MediaInfo
from roma_ros.task import Task
from roma_ros.units import FRAMES_PER_UNIT

__all__ = ["PICTURES", "check_videos", "is_frames", "length_of", "probe_video"]

PICTURES = (".jpg", ".jpeg", ".png")
TOLERANCE = 1.0  # seconds by which annotations may go beyond the end of a video
KNOWN = 4096  # videos whose length and tracks are remembered


def is_frames(sample: Sample) -> bool:
    """Return whether the video of a sample is given as its frames."""
    return len(sample.video) > 1 or Path(sample.video[0]).suffix.lower() in PICTURES


@lru_cache(maxsize=KNOWN)
def probe_video(path: Path) -> MediaInfo:
    """Return length and tracks of a video or audio file.

    Raises:
        MediaError: it is missing, or cannot be opened.
    """
    if not path.is_file():
        raise MediaError(f"{path} does not exist, or is no file")
    return MediaInfo.of(path)


def check_videos(
    samples: Iterable[Sample], folder: Path, log: SkipLog, *, allow_silent: bool = False
) -> Iterator[Sample]:
    """Yield the samples whose files can be used.

    The headers of the videos are read, not the frames: damage further on is found at decoding.

    Args:
        samples: samples to check.
        folder: folder that their paths are relative to.
        log: count of those that are skipped, for the reasons "no video", "no speech file",
            "damaged video", "video too short" and "no sound"; not of those that are kept.
        allow_silent: whether a video without sound is used. One that is given as frames always is.

    Raises:
        DataError: a file cannot be used, and the log is strict.
    """
    for sample in samples:
        fault = _fault(sample, folder, allow_silent)
        if fault is None:
            yield sample
        else:
            reason, text = fault
            log.skip(reason, SampleError(f"sample {sample.id}: {text}"))


def _fault(sample: Sample, folder: Path, allow_silent: bool) -> tuple[str, str] | None:
    for query in sample.queries:
        if query.audio is not None and not (folder / query.audio).is_file():
            return "no speech file", f"{folder / query.audio} does not exist, or is no file"
    if is_frames(sample):
        for name in sample.video:
            if not (folder / name).is_file():
                return "no video", f"{folder / name} does not exist, or is no file"
        return _short(
            sample, len(sample.video) / FRAMES_PER_UNIT, f"{len(sample.video)} frames at 2 fps"
        )
    path = folder / sample.video[0]
    if not path.is_file():
        return "no video", f"{path} does not exist, or is no file"
    try:
        info = probe_video(path)
    except MediaError as error:
        return "damaged video", str(error)
    if not info.audio and not allow_silent:
        return "no sound", f"{path} has no sound; use --allow-silent to take it without"
    if info.duration is None or info.is_guess:
        return None
    return _short(sample, info.duration, str(path))


def _short(sample: Sample, seconds: float, video: str) -> tuple[str, str] | None:
    """Return the fault of a video that ends before the labels, `None` if it does not."""
    last = last_needed(sample)
    if math.ceil(last) <= seconds + TOLERANCE:
        return None
    return (
        "video too short",
        f"{video} has {seconds:.1f} s, but the sample goes on until {last:.1f} s",
    )


def last_needed(sample: Sample) -> float:
    """Return until when a sample needs its video, s; an answer may come after the end of it."""
    times = [query.time for query in sample.queries]
    if sample.task is not Task.QUESTION:
        times += [answer.time for answer in sample.answers if answer.time is not None]
    return max(times)


def length_of(sample: Sample, folder: Path) -> float | None:
    """Return the length of a sample's video in seconds; `None` if the file does not state it.

    Raises:
        MediaError: the video cannot be opened.
    """
    if is_frames(sample):
        return len(sample.video) / FRAMES_PER_UNIT
    info = probe_video(folder / sample.video[0])
    return None if info.is_guess else info.duration
