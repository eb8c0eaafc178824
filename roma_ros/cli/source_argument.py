"""SOURCE on the command line -> a source."""

from __future__ import annotations

import glob
import logging
from collections.abc import Iterator, Sequence
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

__all__ = ["open_sources"]

LOG = logging.getLogger(__name__)
MAX_FILES = 10_000  # of one pattern


def open_sources(
    texts: Sequence[str], *, reconnect: Reconnect | None = None, topics: Sequence[str] = ()
) -> Source:
    """Open what the texts name: devices that are followed together, or files one after another.

    Args:
        texts: as the help of `roma run` has them.
        reconnect: how a lost device or stream is tried again; `None`: not at all.
        topics: of a ROS 2 bag: which to play; empty: those that it has.

    Raises:
        SourceError: one of them cannot be opened, or they cannot be combined.
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
    """The video and audio files that a pattern matches, by name; damaged ones are left out."""
    paths = sorted(
        path
        for path in map(Path, glob.iglob(str(Path(pattern).expanduser()), recursive=True))
        if path.suffix.lower() in MEDIA_SUFFIXES and path.is_file()
    )
    if not paths:
        raise MediaError(f"{pattern}: no video or audio file has such a name")
    if len(paths) > MAX_FILES:
        raise MediaError(f"{pattern}: {len(paths):,} files; expected at most {MAX_FILES:,}")
    found = []
    reasons = []
    for path in paths:
        try:
            found.append(MediaFile(MediaFileConfig(path=path)))
        except MediaError as error:
            reasons.append(str(error))
    if not found:
        raise MediaError(f"{pattern}: no file can be played: {reasons[0]}")
    for reason in reasons:
        LOG.warning("left out: %s", reason)
    return found
