"""Exceptions of `roma_ros.thinker`."""

__all__ = [
    "BranchError",
    "CheckpointError",
    "ContextError",
    "InstructionTooLongError",
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
    """Frames or audio of a unit have a shape, dtype or value that cannot be encoded."""


class JudgementError(ThinkerError):
    """A unit was processed, and p(speak) is not a finite number."""


class SessionClosedError(ThinkerError):
    """A session was used after it was closed."""


class BranchError(ThinkerError):
    """A branch was used out of order or after it was closed, or a second one was opened."""


class QuestionTooLongError(ThinkerError, ValueError):
    """A question is empty, or has more characters or tokens than a branch takes."""


class InstructionTooLongError(ThinkerError, ValueError):
    """An instruction has more tokens than a session takes."""


class ContextError(ThinkerError):
    """An instruction, window or text does not fit the KV cache or the range of positions."""
