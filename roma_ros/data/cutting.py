"""Cutting of videos: stretches of one video, joined to a new one of two frames a second."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from roma_ros.data.errors import DataError
from roma_ros.data.memory import free_frames
from roma_ros.data.rows import CaptionSegment, NarrationRow
from roma_ros.sources import Item, MediaFile, MediaFileConfig, MediaFrame, SourceError, units_of
from roma_ros.units import FRAMES_PER_UNIT, NS_PER_SECOND, UNIT_RATE, AudioChunk

__all__ = ["Stretch", "cut_video", "join_segments"]

QUALITY = {"crf": "20", "preset": "veryfast"}
SOUND_BITS = 64_000  # a second
MAX_SIDE = 480  # pixels; a model takes at most 65,536 pixels of a frame


@dataclass(frozen=True, slots=True)
class Stretch:
    """Part of a video that is kept.

    Attributes:
        start: its start in the video, s.
        seconds: its length, whole seconds, so that every part begins with a unit.
    """

    start: float
    seconds: int


def join_segments(
    row: NarrationRow, seconds: float
) -> tuple[list[Stretch], NarrationRow, dict[str, int]]:
    """Return the stretches to keep of a narrated video, and the narration with its new times.

    Gaps without a label are cut out. Each segment gets a whole number of seconds, and its sentence
    is due at its end, the transition to the next one. A segment that overlaps the one before it
    begins where that ends; one of which less than half is left is dropped.

    Args:
        row: the narration.
        seconds: length of the video.

    Returns:
        Stretches in order, the new row, and how many segments were changed, by what was changed.
    """
    stretches: list[Stretch] = []
    segments: list[CaptionSegment] = []
    changes: dict[str, int] = {}
    reached, joined = 0.0, 0
    for segment in sorted(row.segments, key=lambda segment: (segment.start, segment.end)):
        start, end = max(segment.start, reached), min(segment.end, seconds)
        if segment.start >= seconds:
            _count(changes, "segment after the end of the video")
            continue
        if segment.end > seconds:
            _count(changes, "segment cut at the end of the video")
        if end - start < (segment.end - segment.start) / 2:
            what = "segment overlaps" if segment.start < reached else "segment mostly after the end"
            _count(changes, what)
            continue
        if segment.start < reached:
            _count(changes, "segment starts later, as it overlaps")
        length = max(round(end - start), 1)
        length = min(length, max(math.floor(seconds - start + 0.1), 1))
        stretches.append(Stretch(start, length))
        segments.append(CaptionSegment(joined, joined + length, segment.text))
        joined += length
        reached = max(end, start + length)
    return stretches, replace(row, segments=tuple(segments), duration=float(joined)), changes


def cut_video(source: Path, stretches: Sequence[Stretch], out: Path) -> None:
    """Write stretches of a video as a new one of 2 fps, with mono sound at 16 kHz if it has any.

    Args:
        source: video to read. Memory does not grow with its length.
        stretches: parts to keep, in order and without overlap.
        out: MP4 file to write; its folder must exist.

    Raises:
        DataError: the video cannot be read, ends before a stretch does, or the new one cannot be
            written.
    """
    part = out.with_name(f".{out.name}.part")
    expected = sum(stretch.seconds for stretch in stretches)
    try:
        with MediaFile(MediaFileConfig(path=source)) as media:
            written = _write(part, media, _cut(media, stretches))
        if written < expected:
            raise DataError(
                f"{source} gave {written} s of the {expected} s that are annotated; it is shorter, "
                "or damaged"
            )
        part.replace(out)
    except SourceError as error:
        raise DataError(f"{source} cannot be cut: {error}") from error
    except (av.FFmpegError, OSError) as error:
        raise DataError(f"{out} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)


def _cut(media: MediaFile, stretches: Sequence[Stretch]) -> Iterator[Item]:
    """Yield the items within the stretches, with stamps as if nothing had been between them."""
    spans = []
    joined = 0
    for stretch in stretches:
        start = round(stretch.start * NS_PER_SECOND)
        spans.append((start, start + stretch.seconds * NS_PER_SECOND, joined - start))
        joined += stretch.seconds * NS_PER_SECOND
    for item in media:
        if isinstance(item, AudioChunk):
            for start, end, shift in spans:
                if (chunk := _within(item, start, end)) is not None:
                    yield replace(chunk, stamp=chunk.stamp + shift)
        else:
            assert isinstance(item, MediaFrame)
            for start, end, shift in spans:
                if start <= item.stamp < end:
                    yield replace(item, stamp=item.stamp + shift)
        if spans and item.stamp > spans[-1][1] + NS_PER_SECOND:
            return


def _within(chunk: AudioChunk, start: int, end: int) -> AudioChunk | None:
    """Return the part of a chunk between two stamps, ns; `None` if there is none."""
    first = max(math.ceil((start - chunk.stamp) * chunk.rate / NS_PER_SECOND), 0)
    last = min(math.ceil((end - chunk.stamp) * chunk.rate / NS_PER_SECOND), len(chunk.samples))
    if last <= first:
        return None
    stamp = chunk.stamp + first * NS_PER_SECOND // chunk.rate
    return AudioChunk(stamp=stamp, rate=chunk.rate, samples=chunk.samples[first:last])


def _write(path: Path, media: MediaFile, items: Iterator[Item]) -> int:
    """Write the units of the items; return how many."""
    count = 0
    with av.open(str(path), "w", format="mp4") as film:
        video, sound = None, None
        for unit in units_of(media, items):
            if unit.stream:
                raise DataError(f"{media.name} has a gap in its time stamps")
            if unit.frames is not None:
                frames = [_reduced(frame) for frame in unit.frames]
                if video is None:
                    video = film.add_stream("libx264", rate=FRAMES_PER_UNIT, options=dict(QUALITY))
                    video.height, video.width = frames[0].shape[:2]
                    video.pix_fmt = "yuv420p"
            if unit.audio is not None and sound is None:
                sound = film.add_stream("aac", rate=UNIT_RATE, layout="mono")
                sound.bit_rate = SOUND_BITS
            if video is not None and unit.frames is not None:
                for number, frame in enumerate(frames):
                    fitted = np.asarray(cv2.resize(frame, (video.width, video.height)), np.uint8)
                    picture = av.VideoFrame.from_ndarray(fitted, format="rgb24")
                    picture.pts = FRAMES_PER_UNIT * count + number
                    picture.time_base = Fraction(1, FRAMES_PER_UNIT)
                    film.mux(video.encode(picture))
            if sound is not None and unit.audio is not None:
                samples = av.AudioFrame.from_ndarray(unit.audio[None], format="flt", layout="mono")
                samples.sample_rate = UNIT_RATE
                samples.pts, samples.time_base = count * UNIT_RATE, Fraction(1, UNIT_RATE)
                film.mux(sound.encode(samples))
            count += 1
            free_frames()
        for stream in (video, sound):
            if stream is not None:
                film.mux(stream.encode(None))
    return count


def _reduced(frame: np.ndarray) -> np.ndarray:
    """Return a frame with sides of at most MAX_SIDE pixels, in even numbers for H.264."""
    height, width = frame.shape[:2]
    scale = min(1.0, MAX_SIDE / max(height, width))
    size = (max(2 * round(width * scale / 2), 2), max(2 * round(height * scale / 2), 2))
    return np.ascontiguousarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))


def _count(changes: dict[str, int], what: str) -> None:
    changes[what] = changes.get(what, 0) + 1
