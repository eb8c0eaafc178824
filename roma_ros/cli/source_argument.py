"""SOURCE on the command line -> a source."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from roma_ros.sources import (
    Camera,
    CameraConfig,
    LiveSources,
    MediaFile,
    MediaFileConfig,
    Microphone,
    MicrophoneConfig,
    Source,
)

__all__ = ["open_sources"]


def open_sources(texts: Sequence[str]) -> Source:
    """Open what the texts name: one file or folder, or devices that are followed together.

    Raises:
        SourceError: one of them cannot be opened, or they cannot be combined.
    """
    sources: list[Source] = []
    try:
        for text in texts:
            sources.append(_open(text))
        return sources[0] if len(sources) == 1 else LiveSources(sources)
    except BaseException:
        for source in sources:
            source.close()
        raise


def _open(text: str) -> Source:
    name, _, device = text.partition(":")
    if name == "mic":
        number_or_name = int(device) if device.isdecimal() else device or None
        return Microphone(MicrophoneConfig(device=number_or_name))
    if text.isdecimal():
        return Camera(CameraConfig(int(text)))
    if "://" in text or Path(text).is_char_device():
        return Camera(CameraConfig(text))
    return MediaFile(MediaFileConfig(path=Path(text).expanduser()))
