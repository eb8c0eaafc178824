"""What can be wrong with a device or a file."""

__all__ = ["CameraError", "MediaError", "MicrophoneError", "SourceError"]


class SourceError(Exception):
    """Base of every error that `roma_ros.sources` raises on purpose."""


class MediaError(SourceError):
    """A file or folder is missing, or holds no picture and no sound that can be decoded."""


class CameraError(SourceError):
    """A camera cannot be opened, or gives no more frames."""


class MicrophoneError(SourceError):
    """A microphone cannot be opened, or PortAudio is missing."""
