"""Error of the evaluation itself, as opposed to a low score."""

__all__ = ["EvaluationError"]


class EvaluationError(ValueError):
    """Raised when a setting is out of its range, or the model has no speak head."""
