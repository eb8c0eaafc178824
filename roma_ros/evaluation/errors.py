"""What goes wrong with an evaluation itself, not with what is evaluated."""

__all__ = ["EvaluationError"]


class EvaluationError(ValueError):
    """A setting out of its range, or a model that the measurement makes no sense for."""
