"""Real footage as backdrops: clips of a folder, decoded once to small frames.

A clip belongs to training or to test by its file name, so that a folder is divided the same way on
every machine: footage of the test split is never trained on.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import cv2
import numpy as np

from roma_ros.world.errors import FootageError
from roma_ros.world.splits import Split

__all__ = [
    "CLIP_SUFFIXES",
    "Footage",
    "FootageClip",
    "draw_footage",
    "read_footage",
    "split_of_clip",
]

logger = logging.getLogger(__name__)

CLIP_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".gif", ".apng"}
)
RATE = 4  # decoded frames per second
SIDE = 144  # largest shorter side of decoded frames in pixels
LONGEST = 60  # seconds of a clip that are decoded
MOST_FRAMES = LONGEST * 120  # frames of a file that are read at most
MOST_PIXELS = 8192 * 8192  # of a frame of a file
MEMORY = 384 * 2**20  # bytes of all clips of a folder
TENTHS_OF_TEST = 2
SALT = "36"  # with it ../shared/media has clips with people, and with and without motion, in test
STILL_PICTURES = 0.25  # share of footage that is a still picture


@dataclass(frozen=True, slots=True, eq=False)
class FootageClip:
    """Decoded clip.

    Attributes:
        name: file name.
        frames: RGB, 4 frames per second: uint8 (n, height, width, 3), n >= 1.
    """

    name: str
    frames: np.ndarray = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """Part of a clip as the backdrop of a scene, played forwards and backwards in turn.

    Attributes:
        clip: the clip.
        x, y: place of the crop, 0 (left, top) to 1.
        size: size of the crop, as a share of the largest that fits.
        flip: whether left and right are exchanged.
        start: time in the clip in seconds at the start of the scene.
        speed: seconds of the clip per second of the scene; 0 is a still picture.
    """

    clip: FootageClip
    x: float = 0.5
    y: float = 0.5
    size: float = 1.0
    flip: bool = False
    start: float = 0.0
    speed: float = 1.0

    def frame(self, time: float, height: int, width: int) -> np.ndarray:
        """Return the picture at a time in seconds: uint8 (height, width, 3) RGB."""
        frames = self.clip.frames
        last = len(frames) - 1
        index = round((self.start + self.speed * time) * RATE) % max(2 * last, 1)
        picture = frames[min(index, 2 * last - index) if last else 0]
        rows, columns = picture.shape[:2]
        scale = self.size * min(rows / height, columns / width)
        crop_rows, crop_columns = max(round(height * scale), 1), max(round(width * scale), 1)
        top, left = round(self.y * (rows - crop_rows)), round(self.x * (columns - crop_columns))
        part = picture[top : top + crop_rows, left : left + crop_columns]
        method = cv2.INTER_AREA if crop_rows > height else cv2.INTER_LINEAR
        part = cv2.resize(part, (width, height), interpolation=method)
        return np.ascontiguousarray(part[:, ::-1] if self.flip else part)

    def delayed(self, seconds: float) -> Footage:
        """Return the footage with the same picture that much later."""
        return replace(self, start=self.start - self.speed * seconds)


def draw_footage(random: np.random.Generator, clips: Sequence[FootageClip]) -> Footage:
    """Draw a clip, crop, flip, start and speed; a quarter are still pictures."""
    clip = clips[int(random.integers(len(clips)))]
    still = random.random() < STILL_PICTURES
    return Footage(
        clip=clip,
        x=float(random.random()),
        y=float(random.random()),
        size=float(random.uniform(0.6, 1.0)),
        flip=bool(random.random() < 0.5),
        start=float(random.uniform(0, len(clip.frames) / RATE)),
        speed=0.0 if still else float(random.uniform(0.5, 1.5)),
    )


def split_of_clip(name: str) -> Split:
    """Return TRAIN or TEST for the file name of a clip: about a fifth are for test."""
    digest = hashlib.sha256(f"{SALT}{name}".encode()).hexdigest()
    return Split.TEST if int(digest, 16) % 10 >= 10 - TENTHS_OF_TEST else Split.TRAIN


def read_footage(
    folder: Path, split: Split | None = None, held_out: Sequence[str] | None = None
) -> tuple[FootageClip, ...]:
    """Decode the clips of a folder and its subfolders, in the order of their paths.

    A file that cannot be decoded is left out with a warning. At most 60 s of a clip and 384 MiB of
    a folder are decoded; what is beyond is left out with a warning.

    Args:
        folder: folder of video files and animated pictures.
        split: split whose clips are read; validation has those of training. `None` reads all.
        held_out: file names of the clips for test; by default `split_of_clip` decides.

    Raises:
        FootageError: the folder is missing or has no clip of the split that can be decoded.
    """
    if not folder.is_dir():
        raise FootageError(f"footage: {folder} is not a folder; name a folder of video files")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in CLIP_SUFFIXES)
    wanted = [path for path in paths if _is_of(path.name, split, held_out)]
    clips: list[FootageClip] = []
    room = MEMORY
    for number, path in enumerate(wanted):
        try:
            frames = _decode(path)
        except (av.FFmpegError, OSError, ValueError) as error:
            logger.warning("footage: %s is left out: %s", path, error)
            continue
        room -= frames.nbytes
        if room < 0:
            left = len(wanted) - number
            logger.warning("footage: the last %d clips of %s exceed the memory", left, folder)
            break
        clips.append(FootageClip(path.name, frames))
    if not clips:
        of = "" if split is None else f" for {split.name.lower()}"
        raise FootageError(
            f"footage: {folder} has no clip{of} that can be decoded, of {len(paths)} video files; "
            f"expected at least one with a suffix among {', '.join(sorted(CLIP_SUFFIXES))}"
        )
    return tuple(clips)


def _is_of(name: str, split: Split | None, held_out: Sequence[str] | None) -> bool:
    if split is None:
        return True
    for_test = split_of_clip(name) is Split.TEST if held_out is None else name in held_out
    return for_test == (split is Split.TEST)


def _decode(path: Path) -> np.ndarray:
    """Return the frames of a file: uint8 (n, height, width, 3). Raises ValueError for none."""
    frames: list[np.ndarray] = []
    with av.open(str(path)) as file:
        if not file.streams.video:
            raise ValueError("it has no video stream")
        stream = file.streams.video[0]
        stream.thread_type = "AUTO"
        width, height = stream.width, stream.height
        if not 0 < width * height <= MOST_PIXELS:
            raise ValueError(f"its frames have {width}x{height} pixels")
        shrink = min(1.0, SIDE / min(width, height))
        size = max(round(width * shrink), 2), max(round(height * shrink), 2)
        first: float | None = None
        for count, frame in enumerate(file.decode(stream)):
            time = frame.time if frame.time is not None else count / 25
            first = time if first is None else first
            if time - first >= LONGEST or count >= MOST_FRAMES:
                break
            if (time - first) * RATE >= len(frames) and frame.width * frame.height <= MOST_PIXELS:
                small = frame.reformat(
                    width=size[0], height=size[1], format="rgb24", interpolation="AREA"
                )
                frames.append(small.to_ndarray())
    if not frames:
        raise ValueError("it has no frames")
    return np.stack(frames)
