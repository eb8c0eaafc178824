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
    "Passer",
    "draw_footage",
    "draw_passer",
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
STILL_PICTURES = 0.3  # share of footage that is a still picture
ORDERS = ((0, 1, 2), (0, 1, 2), (0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0))


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
        channels: order of the colour channels, so that a few clips have many colours.
    """

    clip: FootageClip
    x: float = 0.5
    y: float = 0.5
    size: float = 1.0
    flip: bool = False
    start: float = 0.0
    speed: float = 1.0
    channels: tuple[int, int, int] = (0, 1, 2)

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
        part = part[:, ::-1] if self.flip else part
        return np.ascontiguousarray(part[:, :, list(self.channels)])

    def delayed(self, seconds: float) -> Footage:
        """Return the footage with the same picture that much later."""
        return replace(self, start=self.start - self.speed * seconds)


def draw_footage(
    random: np.random.Generator, clips: Sequence[FootageClip], *, recoloured: bool = True
) -> Footage:
    """Draw a clip, crop, flip, start and speed; some are still pictures.

    Args:
        random: random numbers.
        clips: clips to draw from, at least one.
        recoloured: whether the order of the colour channels is drawn too.
    """
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
        channels=ORDERS[int(random.integers(len(ORDERS)))] if recoloured else ORDERS[0],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Passer:
    """Round piece of a clip that moves across the picture.

    Attributes:
        footage: the clip and its part.
        begins, ends: times in seconds; it is there between them.
        start, end: places of its centre at both times, as shares of the picture's sides.
        size: its width and height as shares of the picture's shorter side.
    """

    footage: Footage
    begins: float
    ends: float
    start: tuple[float, float]
    end: tuple[float, float]
    size: tuple[float, float]

    def paint(self, picture: np.ndarray, time: float) -> None:
        """Paint it over a picture at a time in seconds: uint8 (H, W, 3) RGB."""
        if not self.begins <= time < self.ends:
            return
        height, width = picture.shape[:2]
        side = min(height, width)
        columns, rows = (max(round(share * side), 2) for share in self.size)
        share = (time - self.begins) / (self.ends - self.begins)
        x, y = (a + share * (b - a) for a, b in zip(self.start, self.end, strict=True))
        left, top = round(x * width - columns / 2), round(y * height - rows / 2)
        seen = np.s_[max(top, 0) : max(top + rows, 0), max(left, 0) : max(left + columns, 0)]
        under = picture[seen]
        if not under.size:
            return
        mask = np.zeros((rows, columns, 1), np.uint8)
        axes = (max(columns // 2 - 1, 1), max(rows // 2 - 1, 1))
        cv2.ellipse(mask, (columns // 2, rows // 2), axes, 0, 0, 360, 1, cv2.FILLED)
        piece = self.footage.frame(0.0, rows, columns)
        part = np.s_[max(-top, 0) :, max(-left, 0) :]
        piece, mask = (a[part][: under.shape[0], : under.shape[1]] for a in (piece, mask))
        picture[seen] = np.where(mask > 0, piece, under)

    def delayed(self, seconds: float) -> Passer:
        """Return the piece at a later time."""
        return replace(self, begins=self.begins + seconds, ends=self.ends + seconds)


def draw_passer(
    random: np.random.Generator, clips: Sequence[FootageClip], seconds: float
) -> Passer:
    """Draw a piece of a clip that crosses the picture within a scene of `seconds`."""
    footage = replace(draw_footage(random, clips), size=float(random.uniform(0.2, 0.5)), speed=0.0)
    begins = float(random.uniform(-2, seconds))
    angle = random.uniform(0, 2 * np.pi)
    away = 0.75 * np.array([np.cos(angle), np.sin(angle)])
    middle = random.uniform(0.25, 0.75, 2)
    (x0, y0), (x1, y1) = (middle - away).tolist(), (middle + away).tolist()
    wide, high = random.uniform(0.15, 0.45, 2).tolist()
    return Passer(
        footage=footage,
        begins=begins,
        ends=begins + float(random.uniform(2, 8)),
        start=(x0, y0),
        end=(x1, y1),
        size=(wide, high),
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
