"""Errors of `roma_ros.world`."""

__all__ = ["FilmError", "FootageError", "RecordingsError", "SceneError", "WorldError"]


class WorldError(Exception):
    """Base class of all errors of `roma_ros.world`."""


class SceneError(WorldError, ValueError):
    """Raised when seed or length of a scene, or size of a picture, is out of range."""


class FilmError(WorldError, RuntimeError):
    """Raised when a scene cannot be written as a video file."""


class RecordingsError(WorldError, ValueError):
    """Raised when a folder of recordings, or all recordings of a kind in it, cannot be used."""


class FootageError(WorldError, ValueError):
    """Raised when a folder of footage is missing, or has no clip that can be decoded."""
