"""Counters of an assembler."""

from dataclasses import dataclass

__all__ = ["AssemblerStats"]


@dataclass(slots=True)
class AssemblerStats:
    """Counters since the assembler was created; a reset does not clear them."""

    units: int = 0
    """Units closed."""
    units_video_filled: int = 0
    """Of these, units with held or black frames."""
    units_audio_filled: int = 0
    """Of these, units with silence for missing audio."""
    units_dropped: int = 0
    """Of these, units that were not fetched in time."""
    new_streams: int = 0
    """Streams that began because the clock jumped or a gap was too long to fill."""
    realigned: int = 0
    """Times that a sensor was aligned by arrival, because its stamps disagreed with the other's."""
    stamps_bad: int = 0
    """Items dropped because their stamp was far from all others, or was never set."""

    frames_in: int = 0
    """Frames added."""
    frames_late: int = 0
    """Frames dropped because they were too late for their unit."""
    frames_duplicate: int = 0
    """Frames dropped because they had the stamp of another one."""
    frames_bad: int = 0
    """Frames that a unit needed and that could not be decoded."""

    audio_in: int = 0
    """Audio chunks added."""
    audio_late: int = 0
    """Chunks dropped because they were too late for their unit."""
    audio_overlap: int = 0
    """Chunks trimmed, wholly or in part, because there was audio for their time already."""
    audio_gaps: int = 0
    """Gaps in the audio, filled with silence."""
    audio_overflow: int = 0
    """Chunks dropped because too many were waiting for one before them."""

    last_error: str = ""
    """Error of the last frame that could not be decoded."""
