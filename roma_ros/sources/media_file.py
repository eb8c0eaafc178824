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
from roma_ros.sources.media_info import MediaInfo, media_files
from roma_ros.sources.media_track import AudioTrack, VideoTrack
from roma_ros.sources.repeated_frames import repeat_frames
from roma_ros.sources.source import Item, Source
from roma_ros.units import AudioError

__all__ = ["MediaFile", "MediaFileConfig"]

LOG = logging.getLogger(__name__)
NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFileConfig:
    """Settings of a `MediaFile`.

    Attributes:
        path: a video or audio file; a folder of them, which are read one after another by name; or
            the address of a file on a network.
        loop: whether to start again at the end; stamps continue.
        start_stamp: stamp of the first item, ns.
        video, audio: whether to read the video, the audio.
    """

    path: str | Path | StreamAddress
    loop: bool = False
    start_stamp: int = 0
    video: bool = True
    audio: bool = True


class MediaFile(Source):
    """Frames and audio of a file, with the file's own time stamps, without pauses.

    Items are `MediaFrame`s and `AudioChunk`s. The distance between two stamps is that in the file,
    also with a variable frame rate or when one track starts later. A frame that is shown for more
    than 1 s is repeated every 0.5 s, as a camera would see it. Audio keeps its sampling rate and
    comes in chunks of at most 50 ms.

    Files of a folder that cannot be opened are left out, as are damaged parts; both are logged, and
    so is a file that ends before the duration that it states.

    Args:
        config: settings.
        info: contents of the file, if known already.

    Attributes:
        config: as given.
        files: the files that are read, in order.

    Raises:
        MediaError: there is nothing to read; the message says why.
    """

    live: ClassVar[bool] = False

    def __init__(self, config: MediaFileConfig, *, info: MediaInfo | None = None) -> None:
        self.config = config
        self.files = (info,) if info is not None else _find(config.path)
        self._closed = False
        self._damaged = 0
        if not (self.has_video or self.has_audio):
            missing = "video" if config.video else "audio"
            if not (config.video or config.audio):
                raise MediaError(
                    f"{config.path}: video and audio are both False; expected at least one of them"
                )
            raise MediaError(f"{config.path} has no {missing}")

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
        """Duration of all files together, s; `None` if one of them does not state it."""
        durations = [file.duration for file in self.files]
        known = [duration for duration in durations if duration is not None]
        return sum(known) if len(known) == len(durations) else None

    def __iter__(self) -> Iterator[Item]:
        """Yield frames and chunks in the order of their stamps.

        Raises:
            MediaError: a file was removed, or nothing at all could be decoded.
        """
        stamp = self.config.start_stamp
        is_first = True
        while not self._closed:
            before = stamp
            for file in self.files:
                stamp = yield from self._play(file, stamp, log=is_first)
            if stamp == before and not self._closed:
                raise MediaError(
                    f"{self.config.path}: not one frame or sample can be decoded; it is damaged"
                )
            if not self.config.loop:
                return
            is_first = False

    def close(self) -> None:
        self._closed = True

    def _play(self, file: MediaInfo, stamp: int, *, log: bool) -> Generator[Item, None, int]:
        """Yield the items of one file from `stamp` (ns) on; return the stamp at its end."""
        # Each track reads the file on its own, so that both are in step however badly the file
        # interleaves them, and nothing has to be buffered.
        tracks: list[VideoTrack | AudioTrack] = []
        if self.config.video and file.video:
            tracks.append(VideoTrack(file.location))
        if self.config.audio and file.audio:
            tracks.append(AudioTrack(file.location))
        shift: int | None = None
        end = stamp
        invalid = 0
        for item in repeat_frames(heapq.merge(*tracks, key=attrgetter("start"))):
            if self._closed:
                break
            if shift is None:
                shift = stamp - item.start
            try:
                yield item.at(item.start + shift)
            except AudioError:  # NaN or infinity
                invalid += 1
            end = max(end, item.end + shift)
        self._damaged += sum(track.damaged for track in tracks) + invalid
        if log and not self._closed:
            reached = 0 if shift is None else end - shift - file.start
            for fault in _faults(file, tracks, invalid, reached / NS):
                LOG.warning("%s %s", file.location, fault)
        return end


def _find(path: str | Path | StreamAddress) -> tuple[MediaInfo, ...]:
    """Find the files to read.

    Raises:
        MediaError: there is none.
    """
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
    """Yield messages about the faults of a file that was read up to `reached` (s)."""
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
        yield f"is damaged: {invalid} chunks of its audio are not finite and were left out"
    if _ends_early(file, reached):
        yield (
            f"ends after {reached:.1f} s of the {file.duration:.1f} s that it states: "
            "the rest is missing"
        )


def _ends_early(file: MediaInfo, reached: float) -> bool:
    if file.duration is None or file.is_guess:
        return False
    return reached < file.duration - max(1.0, 0.05 * file.duration)
