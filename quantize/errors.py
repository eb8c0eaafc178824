"""Errors of `roma_ros.quantize`."""

__all__ = ["BundleError", "QuantizeError", "RecipeError"]


class QuantizeError(Exception):
    """Base class of the errors that `roma_ros.quantize` raises."""


class RecipeError(QuantizeError):
    """Raised when a recipe cannot be read, or does not fit the checkpoint or this machine."""


class BundleError(QuantizeError):
    """Raised when a bundle cannot be written to its folder."""
