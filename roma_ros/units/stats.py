"""What an assembler counts."""

from dataclasses import dataclass

__all__ = ["AssemblerStats"]


@dataclass(slots=True)
class AssemblerStats:
    """Counters since the assembler was made; a reset does not clear them."""

    units: int = 0
    """Units closed."""
    units_video_filled: int = 0
    """Of these, units with held or black frames."""
    units_audio_filled: int = 0
    """Of these, units with silence for audio that did not come."""
    units_dropped: int = 0
    """Of these, units that nobody fetched in time."""
    new_streams: int = 0
    """Times that the clock jumped or a gap was too long to fill."""
    realigned: int = 0
    """Times that a sensor was aligned by arrival, since its stamps disagreed with the other's."""
    stamps_bad: int = 0
    """Items dropped for a stamp far from all others, or none at all."""

    frames_in: int = 0
    frames_late: int = 0
    frames_duplicate: int = 0
    """Frames with the stamp of another one."""
    frames_bad: int = 0
    """Frames that a unit wanted and that could not be decoded."""

    audio_in: int = 0
    """Pieces of audio."""
    audio_late: int = 0
    audio_overlap: int = 0
    """Pieces trimmed, wholly or in part, since there was audio for their time already."""
    audio_gaps: int = 0
    """Breaks in the audio, filled with silence."""
    audio_overflow: int = 0
    """Pieces dropped since too many were waiting for one before them."""

    last_error: str = ""
    """Why the last bad frame was bad."""
