"""Errors of `roma_ros.sources`."""

__all__ = ["CameraError", "MediaError", "MicrophoneError", "SourceError"]


class SourceError(Exception):
    """Base class of all errors of `roma_ros.sources`."""


class MediaError(SourceError):
    """Raised when a file, bag or stream is missing, or has nothing that can be decoded."""


class CameraError(SourceError):
    """Raised when a camera cannot be opened, or is lost."""


class MicrophoneError(SourceError):
    """Raised when a microphone cannot be opened or is lost, or PortAudio is missing."""
