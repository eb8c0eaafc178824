"""Arguments of several commands: shared options, and parsers of their values."""

from __future__ import annotations

import argparse
import glob
import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from roma_ros.sources import (
    Camera,
    CameraConfig,
    LiveSources,
    MediaError,
    MediaFile,
    MediaFileConfig,
    Microphone,
    MicrophoneConfig,
    Playlist,
    Reconnect,
    Source,
    is_address,
    open_media,
)
from roma_ros.sources.media_info import MEDIA_SUFFIXES
from roma_ros.watch import DEFAULT_THRESHOLD, DEFAULT_WINDOW, quoted

__all__ = [
    "Options",
    "TimedQuestion",
    "add_context_policy_option",
    "add_device_option",
    "add_dtype_option",
    "add_model_option",
    "add_quantization_option",
    "add_trigger_options",
    "frame_size",
    "open_sources",
    "timed_question",
]

LOG = logging.getLogger(__name__)
MAX_FILES = 10_000  # of one pattern
FRAME_SIDES = (28, 8_192)  # pixels

Options = argparse._ActionsContainer
"""A parser, or a group of its options."""


# --- options ---


def add_model_option(options: Options) -> None:
    """Add --model."""
    options.add_argument(
        "--model",
        metavar="PATH",
        default="roma_tiny",
        help="folder of a checkpoint or bundle, or roma_tiny, the embedded checkpoint "
        "(default: %(default)s)",
    )


def add_device_option(options: Options, default: str = "auto") -> None:
    """Add --device."""
    options.add_argument(
        "--device",
        default=default,
        help="auto (CUDA if available), cpu, cuda or cuda:N (default: %(default)s)",
    )


def add_context_policy_option(options: Options) -> None:
    """Add --context-policy."""
    options.add_argument(
        "--context-policy",
        choices=("auto", "evict", "handover"),
        default="auto",
        help="what to do when the context window is full: evict the oldest unit for each new one, "
        "or hand over to a second context that has evicted nothing, for checkpoints that were not "
        "trained on eviction (default: auto, as the checkpoint says, else handover)",
    )


def add_dtype_option(options: Options) -> None:
    """Add --dtype."""
    options.add_argument(
        "--dtype",
        choices=("auto", "float32", "bfloat16", "float16"),
        default="auto",
        help="dtype of the weights; auto: bfloat16 on CUDA, float32 on CPU (default: %(default)s)",
    )


def add_quantization_option(options: Options) -> None:
    """Add --quantization."""
    options.add_argument(
        "--quantization",
        choices=("none", "nf4", "int8"),
        default="none",
        help="quantize the backbone while loading (default: %(default)s)",
    )


def add_trigger_options(options: Options) -> None:
    """Add --threshold, --window and --narrate-threshold."""
    options.add_argument(
        "--threshold",
        type=float,
        default=DEFAULT_THRESHOLD,
        metavar="P",
        help="p(speak) from which a unit counts towards an alert, 0 to 1 (default: %(default)s)",
    )
    options.add_argument(
        "--window",
        type=int,
        default=DEFAULT_WINDOW,
        metavar="UNITS",
        help="consecutive units at or above the threshold that raise an alert "
        "(default: %(default)s)",
    )
    options.add_argument(
        "--narrate-threshold",
        type=float,
        default=DEFAULT_THRESHOLD,
        metavar="P",
        help="p(speak) from which a narration starts, 0 to 1 (default: %(default)s)",
    )


# --- values ---


def frame_size(text: str) -> tuple[int, int]:
    """Parse `WIDTHxHEIGHT`, such as `640x480`, in pixels.

    Raises:
        argparse.ArgumentTypeError: another form, or a side out of range.
    """
    width, cross, height = text.partition("x")
    low, high = FRAME_SIDES
    if (
        not (cross and width.isdecimal() and height.isdecimal())
        or not low <= int(width) <= high
        or not low <= int(height) <= high
    ):
        raise argparse.ArgumentTypeError(
            f"{quoted(text)} is no frame size; expected WIDTHxHEIGHT with sides of {low} to "
            f"{high} pixels, such as 640x480"
        )
    return int(width), int(height)


@dataclass(frozen=True, slots=True)
class TimedQuestion:
    """Question to ask at a time of the stream.

    Attributes:
        text: the question.
        seconds: position in the stream, from its beginning, at which it is asked.
    """

    text: str
    seconds: float

    @classmethod
    def parse(cls, argument: str) -> TimedQuestion:
        """Parse `QUESTION@SECONDS`; the last @ separates the two.

        Raises:
            ValueError: another form.
        """
        text, _, time = argument.rpartition("@")
        try:
            seconds = float(time)
        except ValueError:
            seconds = math.nan
        if not text.strip() or not 0 <= seconds < math.inf:
            raise ValueError(
                f"{quoted(argument)} is no timed question; expected QUESTION@SECONDS, such as "
                "'Who is there?@12'"
            )
        return cls(text.strip(), seconds)


def timed_question(argument: str) -> TimedQuestion:
    """Parse `QUESTION@SECONDS` for argparse.

    Raises:
        argparse.ArgumentTypeError: another form.
    """
    try:
        return TimedQuestion.parse(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


# --- SOURCE ---


def open_sources(
    texts: Sequence[str], *, reconnect: Reconnect | None = None, topics: Sequence[str] = ()
) -> Source:
    """Open the sources of a run: devices play together, files one after another.

    Args:
        texts: SOURCE arguments in the forms that `roma run --help` lists.
        reconnect: how to open a lost device or stream again; `None`: not at all.
        topics: topics of a ROS 2 bag to play; empty: the image and audio topics that it has.

    Raises:
        SourceError: a source cannot be opened, or the sources cannot be combined.
    """
    sources: list[Source] = []
    try:
        for text in texts:
            sources += _open(text, reconnect, topics)
        if len(sources) == 1:
            return sources[0]
        is_live = all(source.live for source in sources)
        return LiveSources(sources) if is_live else Playlist(sources)
    except BaseException:
        for source in sources:
            source.close()
        raise


def _open(text: str, reconnect: Reconnect | None, topics: Sequence[str]) -> Iterator[Source]:
    name, _, device = text.partition(":")
    if name == "mic":
        number_or_name = int(device) if device.isdecimal() else device or None
        yield Microphone(MicrophoneConfig(device=number_or_name, reconnect=reconnect))
    elif text.isdecimal():
        yield Camera(CameraConfig(int(text), reconnect=reconnect))
    elif not text:
        raise MediaError("SOURCE is empty; expected a file, a folder, an address or a device")
    elif Path(text).is_char_device() and text.startswith("/dev/v"):
        yield Camera(CameraConfig(text, reconnect=reconnect))
    elif glob.has_magic(text) and not is_address(text) and not Path(text).exists():
        yield from _open_pattern(text)
    else:
        yield open_media(text, reconnect=reconnect, topics=topics)


def _open_pattern(pattern: str) -> list[MediaFile]:
    """Open the video and audio files that a pattern matches, by name; skip damaged ones."""
    paths = sorted(
        path
        for path in map(Path, glob.iglob(str(Path(pattern).expanduser()), recursive=True))
        if path.suffix.lower() in MEDIA_SUFFIXES and path.is_file()
    )
    if not paths:
        raise MediaError(f"{pattern} matches no video or audio file; expected at least one")
    if len(paths) > MAX_FILES:
        raise MediaError(f"{pattern} matches {len(paths):,} files; expected at most {MAX_FILES:,}")
    found = []
    reasons = []
    for path in paths:
        try:
            found.append(MediaFile(MediaFileConfig(path=path)))
        except MediaError as error:
            reasons.append(str(error))
    if not found:
        raise MediaError(f"{pattern}: no file can be decoded: {reasons[0]}")
    for reason in reasons:
        LOG.warning("skipped: %s", reason)
    return found
