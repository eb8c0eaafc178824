"""What can go wrong while a bundle is made."""

__all__ = ["BundleError", "QuantizeError", "RecipeError"]


class QuantizeError(Exception):
    """Base of the errors that `roma_ros.quantize` raises on purpose."""


class RecipeError(QuantizeError):
    """A recipe cannot be read, or asks for what cannot be made here."""


class BundleError(QuantizeError):
    """A bundle cannot be written where it was to be."""
