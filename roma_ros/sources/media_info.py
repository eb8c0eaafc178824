"""Opening of media files, and their contents."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import av
from av.container import InputContainer
from av.stream import Disposition

from roma_ros.sources.address import StreamAddress
from roma_ros.sources.errors import MediaError
from roma_ros.sources.network import open_address
from roma_ros.units.audio import MAX_CHANNELS, MAX_RATE, MIN_RATE

__all__ = [
    "MEDIA_SUFFIXES",
    "MediaInfo",
    "MediaLocation",
    "audio_stream",
    "media_files",
    "opened",
    "video_stream",
]

MediaLocation: TypeAlias = "Path | StreamAddress"

VIDEO_SUFFIXES = {
    *(".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".mxf", ".ogv", ".ts", ".webm", ".wmv"),
}
AUDIO_SUFFIXES = {
    *(".aac", ".aif", ".aiff", ".amr", ".flac", ".m4a", ".mka", ".mp2", ".mp3", ".oga", ".ogg"),
    *(".opus", ".wav", ".wma"),
}
MEDIA_SUFFIXES = VIDEO_SUFFIXES | AUDIO_SUFFIXES
TEXT_PROBE = 4096  # bytes by which text is recognised
NS = 1_000_000_000


# Formats whose duration is estimated from the rate of the first packets.
GUESSED_DURATION = {"aac", "amr", "h264", "hevc", "m4v", "mpegvideo"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """Contents of a media file.

    Attributes:
        location: path or address of the file.
        video, audio: whether it has video, audio that can be decoded.
        duration: duration that the file states, s; `None`: it states none.
        start: time at which the file begins, ns.
        is_guess: whether the duration was estimated from the bit rate.
    """

    location: MediaLocation
    video: bool
    audio: bool
    duration: float | None
    start: int = 0
    is_guess: bool = False

    @classmethod
    def of(cls, location: MediaLocation) -> MediaInfo:
        """Read the contents of a file.

        Raises:
            MediaError: it is empty, cannot be read, or has neither video nor audio.
        """
        with opened(location) as container:
            return cls.of_container(location, container)

    @classmethod
    def of_container(cls, location: MediaLocation, container: InputContainer) -> MediaInfo:
        """Read the contents of a file that is open.

        Raises:
            MediaError: it has neither video nor audio, or audio of an unsupported format.
        """
        video, audio = video_stream(container), audio_stream(container)
        if video is None and audio is None:
            raise MediaError(f"{location} holds neither video nor audio")
        if audio is not None:
            _check_audio(location, audio)
        duration = container.duration
        return cls(
            location=location,
            video=video is not None,
            audio=audio is not None,
            duration=None if duration is None else duration / av.time_base,
            start=(container.start_time or 0) * NS // av.time_base,
            is_guess=container.format.name in GUESSED_DURATION,
        )


@contextmanager
def opened(location: MediaLocation) -> Iterator[InputContainer]:
    """Open a file for reading.

    Raises:
        MediaError: it cannot be opened; the message says why.
    """
    if isinstance(location, StreamAddress):
        container = open_address(location)
    else:
        container = _open_file(location)
    with container:
        yield container


def _open_file(path: Path) -> InputContainer:
    try:
        if path.stat().st_size == 0:
            raise MediaError(f"{path} is empty (0 bytes)")
        if _is_text(path):
            raise MediaError(f"{path} is a text, neither video nor audio")
        return av.open(f"file:{path}", metadata_errors="replace")
    except av.InvalidDataError as error:
        raise MediaError(
            f"{path} cannot be read as video or audio; it is damaged, or another kind of file"
        ) from error
    except (OSError, av.FFmpegError) as error:
        raise MediaError(f"{path} cannot be opened: {error.strerror or error}") from error


def video_stream(container: InputContainer) -> av.VideoStream | None:
    """Return the first video stream that can be decoded; the cover of an audio file is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and _decodable(stream):
            return stream
    return None


def audio_stream(container: InputContainer) -> av.AudioStream | None:
    """Return the first audio stream that can be decoded."""
    for stream in container.streams.audio:
        if _decodable(stream):
            return stream
    return None


def media_files(folder: Path) -> list[Path]:
    """Return the files of a folder with the suffix of a video or audio file, sorted by name."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in MEDIA_SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    )


def _is_text(path: Path) -> bool:
    """Return whether a file is text, which FFmpeg would decode as noise or a video of letters."""
    with path.open("rb") as file:
        beginning = file.read(TEXT_PROBE)
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(beginning)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)


def _decodable(stream: av.VideoStream | av.AudioStream) -> bool:
    return stream.codec_context is not None  # PyAV has none for an unknown codec


def _check_audio(location: MediaLocation, stream: av.AudioStream) -> None:
    if not (MIN_RATE <= stream.rate <= MAX_RATE and 1 <= stream.channels <= MAX_CHANNELS):
        raise MediaError(
            f"{location} has audio of {stream.rate} Hz and {stream.channels} channels; expected "
            f"{MIN_RATE} to {MAX_RATE} Hz and 1 to {MAX_CHANNELS} channels"
        )
