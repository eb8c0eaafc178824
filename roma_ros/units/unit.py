"""The unit: one second of the stream, input of the model."""

import enum
from dataclasses import dataclass, replace

import numpy as np

from roma_ros.units.errors import UnitError

__all__ = ["FRAMES_PER_UNIT", "NS_PER_SECOND", "UNIT_RATE", "MultimodalUnit", "VideoFill"]

NS_PER_SECOND = 1_000_000_000
UNIT_RATE = 16_000
"""Sampling rate of a unit's audio, Hz; also its samples, since a unit is one second."""
FRAMES_PER_UNIT = 2


class VideoFill(enum.Enum):
    """Replacement of missing frames in a unit."""

    NONE = "none"
    """Nothing is missing: at least one of its frames was taken within the unit."""
    HELD = "held"
    """The last frame before the unit."""
    BLACK = "black"
    """Black, because the last frame is too old or there never was one."""


@dataclass(frozen=True, slots=True, eq=False)
class MultimodalUnit:
    """One second of the stream.

    Attributes:
        stream: number of the stream, 0, 1, ...; a new one begins when the clock jumps or a gap is
            too long to fill.
        index: number of the unit in its stream, 0, 1, ...
        start: stamp of its beginning, ns on the sensor clock.
        frames: uint8 (2, H, W, 3) RGB, the frames nearest to +0.0 s and +0.5 s, at the camera's
            resolution (a large image reduced by 2, 4 or 8); None: the stream has no video.
        audio: float32 (16000,), mono at 16 kHz, full scale 1.0; None: the stream has no audio.
        video_fill: replacement of missing frames.
        audio_filled: number of samples that are silence in place of missing audio, 0 to 16,000.
        skew: end of the newest audio minus stamp of the newest frame that had arrived, s.

    Raises:
        UnitError: arrays of other shapes or types, or neither frames nor audio.
    """

    stream: int
    index: int
    start: int
    frames: np.ndarray | None
    audio: np.ndarray | None
    video_fill: VideoFill = VideoFill.NONE
    audio_filled: int = 0
    skew: float = 0.0

    def __post_init__(self) -> None:
        frames, audio = self.frames, self.audio
        if frames is None and audio is None:
            raise UnitError("frames and audio are both None; expected at least one of them")
        if frames is not None:
            whole = frames.ndim == 4 and frames.shape[::3] == (FRAMES_PER_UNIT, 3) and frames.size
            if not whole or frames.dtype != np.uint8:
                raise UnitError(
                    f"frames are {frames.dtype} {frames.shape}; expected uint8 (2, H, W, 3)"
                )
        if audio is not None and (audio.shape != (UNIT_RATE,) or audio.dtype != np.float32):
            raise UnitError(
                f"audio is {audio.dtype} {audio.shape}; expected float32 ({UNIT_RATE},)"
            )

    @property
    def end(self) -> int:
        """Stamp at which the next unit starts, ns."""
        return self.start + NS_PER_SECOND

    def audio_only(self) -> "MultimodalUnit":
        """Return the unit without its frames.

        Raises:
            UnitError: it has no audio.
        """
        return replace(self, frames=None, video_fill=VideoFill.NONE)

    def video_only(self) -> "MultimodalUnit":
        """Return the unit without its audio.

        Raises:
            UnitError: it has no frames.
        """
        return replace(self, audio=None, audio_filled=0)
