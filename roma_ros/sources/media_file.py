"""Video and audio files as a source, by PyAV (FFmpeg)."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import ClassVar

from roma_ros.sources.errors import MediaError
from roma_ros.sources.media_info import MediaInfo, media_files
from roma_ros.sources.media_track import AudioTrack, Piece, VideoTrack
from roma_ros.sources.source import Item, Source
from roma_ros.units import AudioError

__all__ = ["MediaFile", "MediaFileConfig"]

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFileConfig:
    """Which file, and how to play it.

    Attributes:
        path: a video or audio file, or a folder of them, played one after another by name.
        loop: begin again at the end, with stamps that go on.
        start_stamp: stamp of the first item, ns.
        video, audio: `False` leaves out the picture, or the sound.
    """

    path: str | Path
    loop: bool = False
    start_stamp: int = 0
    video: bool = True
    audio: bool = True


class MediaFile(Source):
    """Frames and sound with the file's own time stamps, as fast as they are taken.

    The distance between two stamps is that in the file, also with a variable frame rate or when
    one track starts later. Sound keeps its rate and comes in chunks of at most 50 ms. Files of a
    folder that cannot be opened are left out with a logged warning, as are damaged parts.

    Args:
        config: which file.

    Attributes:
        config: as given.
        files: what is played, in its order.
        damaged: packets that could not be decoded, so far.

    Raises:
        MediaError: there is nothing to play; the message says why.
    """

    live: ClassVar[bool] = False

    def __init__(self, config: MediaFileConfig) -> None:
        self.config = config
        self.damaged = 0
        self.files = tuple(self._find(Path(config.path)))
        self._closed = False
        if not (self.has_video or self.has_audio):
            wanted = "video" if config.video else "audio"
            if not (config.video or config.audio):
                raise MediaError(f"{config.path}: without video and audio nothing is left to play")
            raise MediaError(f"{config.path} has no {wanted}")

    @property
    def has_video(self) -> bool:
        return self.config.video and any(file.video for file in self.files)

    @property
    def has_audio(self) -> bool:
        return self.config.audio and any(file.audio for file in self.files)

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
        while not self._closed:
            before = stamp
            for file in self.files:
                stamp = yield from self._play(file, stamp)
            if stamp == before and not self._closed:
                raise MediaError(
                    f"{self.config.path}: not one frame or sample can be decoded; it is damaged"
                )
            if not self.config.loop:
                return

    def close(self) -> None:
        self._closed = True

    def _find(self, path: Path) -> Iterator[MediaInfo]:
        if path.is_file():
            yield MediaInfo.of(path)
            return
        if not path.exists():
            raise MediaError(f"{path} does not exist")
        if not path.is_dir():
            raise MediaError(f"{path} is neither a file nor a folder")
        files = media_files(path)
        if not files:
            raise MediaError(f"{path} is a folder without video or audio files")
        reasons = []
        for file in files:
            try:
                yield MediaInfo.of(file)
            except MediaError as error:
                LOG.warning("left out: %s", error)
                reasons.append(str(error))
        if len(reasons) == len(files):
            raise MediaError(f"{path} is a folder in which no file can be played: {reasons[0]}")

    def _play(self, file: MediaInfo, stamp: int) -> Generator[Item, None, int]:
        """Play one file from `stamp` on; returns the stamp at its end."""
        # Each track reads the file for itself, so that both are in step however badly the file
        # interleaves them, and nothing has to be held back.
        tracks: list[VideoTrack | AudioTrack] = []
        if self.config.video and file.video:
            tracks.append(VideoTrack(file.path))
        if self.config.audio and file.audio:
            tracks.append(AudioTrack(file.path))
        shift: int | None = None
        end = stamp
        pieces: Iterator[Piece] = heapq.merge(*tracks, key=attrgetter("start"))
        for piece in pieces:
            if self._closed:
                break
            if shift is None:
                shift = stamp - piece.start
            try:
                yield piece.at(piece.start + shift)
            except AudioError:  # samples that are no numbers
                self.damaged += 1
            end = max(end, piece.end + shift)
        self.damaged += sum(track.damaged for track in tracks)
        return end
