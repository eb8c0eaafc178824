"""What can go wrong in the world."""

__all__ = ["FilmError", "SampleError", "SceneError", "WorldError"]


class WorldError(Exception):
    """Base of every error that `roma_ros.world` raises on purpose."""


class SceneError(WorldError, ValueError):
    """A scene or picture was asked for that cannot be: its seed, its length or its size."""


class FilmError(WorldError, RuntimeError):
    """A scene cannot be written as a video file."""


class SampleError(WorldError, ValueError):
    """A file of samples, or what it points to, cannot be used; the message names the place."""
