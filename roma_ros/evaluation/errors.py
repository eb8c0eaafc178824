"""Error of the evaluation itself, as opposed to a low score."""

__all__ = ["EvaluationError"]


class EvaluationError(ValueError):
    """A setting is out of its range, or the model cannot be evaluated (it has no speak head)."""
