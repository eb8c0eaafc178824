"""Errors of `roma_ros.units`; each message says what a value is, and what was expected."""

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
    """Base of all errors of `roma_ros.units`."""


class ImageError(UnitsError):
    """An image whose data, size, step or encoding cannot be decoded."""


class AudioError(UnitsError):
    """Audio that is empty, not finite, or of a rate, format or shape that is not taken."""


class StampError(UnitsError):
    """A stamp that cannot be one: negative, or never filled in by the driver."""


class ModalityError(UnitsError):
    """A frame or audio given to an assembler that was told not to expect it."""


class UnitError(UnitsError):
    """A unit whose arrays have not the shapes that every unit has."""


class AssemblerConfigError(UnitsError):
    """A value of `AssemblerConfig` outside its range."""
