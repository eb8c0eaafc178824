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
    """An image whose data, size, step or encoding cannot be decoded."""


class AudioError(UnitsError):
    """Audio that is empty, not finite, or of an unsupported rate, format or shape."""


class StampError(UnitsError):
    """A stamp that is negative, or that the driver never filled in."""


class ModalityError(UnitsError):
    """An item of a modality that the assembler's config leaves out."""


class UnitError(UnitsError):
    """A unit whose arrays have other shapes or types than every unit has."""


class AssemblerConfigError(UnitsError):
    """A value of `AssemblerConfig` outside its range."""
