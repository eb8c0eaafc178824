"""Errors of `roma_ros.sources`."""

__all__ = ["CameraError", "MediaError", "MicrophoneError", "SourceError"]


class SourceError(Exception):
    """Base class of all errors of `roma_ros.sources`."""


class MediaError(SourceError):
    """A file, bag or stream is missing, or has no video and no audio that can be decoded."""


class CameraError(SourceError):
    """A camera cannot be opened, or is lost."""


class MicrophoneError(SourceError):
    """A microphone cannot be opened or is lost, or PortAudio is missing."""
