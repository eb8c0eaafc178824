"""What can go wrong in the thinker, each with a name of its own."""

__all__ = [
    "BranchError",
    "CheckpointError",
    "ContextError",
    "JudgementError",
    "QuestionTooLongError",
    "SessionClosedError",
    "ThinkerError",
    "UnitShapeError",
]


class ThinkerError(Exception):
    """Base of every error that `roma_ros.thinker` raises on purpose."""


class CheckpointError(ThinkerError):
    """A model folder is missing, incomplete or does not fit together."""


class UnitShapeError(ThinkerError, ValueError):
    """A unit's frames or audio have a shape or dtype that no model takes."""


class JudgementError(ThinkerError):
    """A unit was heard, and no p(speak) came of it."""


class SessionClosedError(ThinkerError):
    """A session or branch was used after it had been closed."""


class BranchError(ThinkerError):
    """A branch was used out of order: kept too late, or decoded before a question."""


class QuestionTooLongError(ThinkerError, ValueError):
    """A question has more characters or tokens than a branch holds."""


class ContextError(ThinkerError):
    """The key-value cache cannot hold what was asked of it."""
