"""Errors of `roma_ros.units`; each message has the value and the expected one."""

__all__ = [
    "AssemblerConfigError",
    "AudioError",
    "ImageError",
    "ModalityError",
    "StampError",
    "UnitError",
    "UnitsError",
]


class UnitsError(ValueError):
    """Base class of all errors of `roma_ros.units`."""


class ImageError(UnitsError):
    """Raised for an image whose data, size, step or encoding cannot be decoded."""


class AudioError(UnitsError):
    """Raised for audio that is empty, not finite, or of an unsupported rate, format or shape."""


class StampError(UnitsError):
    """Raised for a stamp that is negative, or that the driver did not fill in."""


class ModalityError(UnitsError):
    """Raised for an item of a modality that the assembler's config leaves out."""


class UnitError(UnitsError):
    """Raised for a unit whose arrays have other shapes or types than every unit has."""


class AssemblerConfigError(UnitsError):
    """Raised when a value of `AssemblerConfig` is outside its range."""
