"""Video and audio files as a source, by PyAV (FFmpeg)."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import ClassVar

from roma_ros.sources.address import StreamAddress
from roma_ros.sources.errors import MediaError
from roma_ros.sources.held_picture import with_held_pictures
from roma_ros.sources.media_info import MediaInfo, media_files
from roma_ros.sources.media_track import AudioTrack, VideoTrack
from roma_ros.sources.source import Item, Source
from roma_ros.units import AudioError

__all__ = ["MediaFile", "MediaFileConfig"]

LOG = logging.getLogger(__name__)
NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFileConfig:
    """Which file, and how to play it.

    Attributes:
        path: a video or audio file, or a folder of them, played one after another by name; or the
            address of a file on a network.
        loop: begin again at the end, with stamps that go on.
        start_stamp: stamp of the first item, ns.
        video, audio: `False` leaves out the picture, or the sound.
    """

    path: str | Path | StreamAddress
    loop: bool = False
    start_stamp: int = 0
    video: bool = True
    audio: bool = True


class MediaFile(Source):
    """Frames and sound with the file's own time stamps, as fast as they are taken.

    The distance between two stamps is that in the file, also with a variable frame rate or when
    one track starts later. A picture that stands for more than a second is given again every half
    second, as a camera would see it. Sound keeps its rate and comes in chunks of at most 50 ms.

    Files of a folder that cannot be opened are left out, as are damaged parts; a logged warning
    tells of both, and of a file that ends before the time that it states.

    Args:
        config: which file.
        info: what is in it, if that is known already.

    Attributes:
        config: as given.
        files: what is played, in its order.

    Raises:
        MediaError: there is nothing to play; the message says why.
    """

    live: ClassVar[bool] = False

    def __init__(self, config: MediaFileConfig, *, info: MediaInfo | None = None) -> None:
        self.config = config
        self.files = (info,) if info is not None else _find(config.path)
        self._closed = False
        self._damaged = 0
        if not (self.has_video or self.has_audio):
            wanted = "video" if config.video else "audio"
            if not (config.video or config.audio):
                raise MediaError(f"{config.path}: without video and audio nothing is left to play")
            raise MediaError(f"{config.path} has no {wanted}")

    @property
    def name(self) -> str:
        return str(self.config.path)

    @property
    def has_video(self) -> bool:
        return self.config.video and any(file.video for file in self.files)

    @property
    def has_audio(self) -> bool:
        return self.config.audio and any(file.audio for file in self.files)

    @property
    def damaged(self) -> int:
        return self._damaged

    @property
    def duration(self) -> float | None:
        """Seconds of all files once, as they state them; `None` if one of them does not."""
        durations = [file.duration for file in self.files]
        known = [duration for duration in durations if duration is not None]
        return sum(known) if len(known) == len(durations) else None

    def __iter__(self) -> Iterator[Item]:
        """Frames and chunks in the order of their stamps.

        Raises:
            MediaError: a file has gone, or nothing at all could be decoded.
        """
        stamp = self.config.start_stamp
        is_first = True
        while not self._closed:
            before = stamp
            for file in self.files:
                stamp = yield from self._play(file, stamp, tell=is_first)
            if stamp == before and not self._closed:
                raise MediaError(
                    f"{self.config.path}: not one frame or sample can be decoded; it is damaged"
                )
            if not self.config.loop:
                return
            is_first = False

    def close(self) -> None:
        self._closed = True

    def _play(self, file: MediaInfo, stamp: int, *, tell: bool) -> Generator[Item, None, int]:
        """Play one file from `stamp` on; returns the stamp at its end."""
        # Each track reads the file for itself, so that both are in step however badly the file
        # interleaves them, and nothing has to be held back.
        tracks: list[VideoTrack | AudioTrack] = []
        if self.config.video and file.video:
            tracks.append(VideoTrack(file.location))
        if self.config.audio and file.audio:
            tracks.append(AudioTrack(file.location))
        shift: int | None = None
        end = stamp
        invalid = 0
        for piece in with_held_pictures(heapq.merge(*tracks, key=attrgetter("start"))):
            if self._closed:
                break
            if shift is None:
                shift = stamp - piece.start
            try:
                yield piece.at(piece.start + shift)
            except AudioError:  # samples that are no numbers
                invalid += 1
            end = max(end, piece.end + shift)
        self._damaged += sum(track.damaged for track in tracks) + invalid
        if tell and not self._closed:
            reached = 0 if shift is None else end - shift - file.start
            for fault in _faults(file, tracks, invalid, reached / NS):
                LOG.warning("%s %s", file.location, fault)
        return end


def _find(path: str | Path | StreamAddress) -> tuple[MediaInfo, ...]:
    """What is to be played. Raises MediaError."""
    if isinstance(path, StreamAddress):
        return (MediaInfo.of(path),)
    path = Path(path)
    if path.is_file():
        return (MediaInfo.of(path),)
    if not path.exists():
        raise MediaError(f"{path} does not exist")
    if not path.is_dir():
        raise MediaError(f"{path} is neither a file nor a folder")
    files = media_files(path)
    if not files:
        raise MediaError(f"{path} is a folder without video or audio files")
    found = []
    reasons = []
    for file in files:
        try:
            found.append(MediaInfo.of(file))
        except MediaError as error:
            reasons.append(str(error))
    if not found:
        raise MediaError(f"{path} is a folder in which no file can be played: {reasons[0]}")
    for reason in reasons:
        LOG.warning("left out: %s", reason)
    return tuple(found)


def _faults(
    file: MediaInfo, tracks: list[VideoTrack | AudioTrack], invalid: int, reached: float
) -> Iterator[str]:
    """What was wrong with a file that was played up to `reached` seconds, in words."""
    for track in tracks:
        kind = "video" if isinstance(track, VideoTrack) else "audio"
        if track.damaged:
            yield (
                f"is damaged: {track.damaged} of {track.packets} {kind} packets could not be "
                "decoded and were left out"
            )
        if track.broken_off is not None:
            yield f"cannot be read beyond {reached:.1f} s: {track.broken_off}"
    if invalid:
        yield f"is damaged: {invalid} pieces of its sound hold no valid numbers and were left out"
    if _ends_early(file, reached):
        yield (
            f"ends after {reached:.1f} s of the {file.duration:.1f} s that it states: "
            "the rest is missing"
        )


def _ends_early(file: MediaInfo, reached: float) -> bool:
    if file.duration is None or file.is_guess:
        return False
    return reached < file.duration - max(1.0, 0.05 * file.duration)
