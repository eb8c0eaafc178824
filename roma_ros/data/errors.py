"""Errors of `roma_ros.data`."""

__all__ = ["DataError", "SampleError"]


class DataError(Exception):
    """Base class of all errors of `roma_ros.data`."""


class SampleError(DataError, ValueError):
    """Raised when a file of samples, or a file that it names, is invalid."""
