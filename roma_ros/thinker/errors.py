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
    """Raised when a model folder is missing, incomplete or does not fit together."""


class UnitShapeError(ThinkerError, ValueError):
    """Raised when frames or audio of a unit have a shape, dtype or value that cannot be encoded."""


class JudgementError(ThinkerError):
    """Raised when p(speak) of a processed unit is not a finite number."""


class SessionClosedError(ThinkerError):
    """Raised when a session was used after it was closed."""


class BranchError(ThinkerError):
    """Raised when a branch is used out of order or after it was closed, or is a second one."""


class QuestionTooLongError(ThinkerError, ValueError):
    """Raised when a question is empty, or has more characters or tokens than a branch takes."""


class InstructionTooLongError(ThinkerError, ValueError):
    """Raised when an instruction has more tokens than a session takes."""


class ContextError(ThinkerError):
    """Raised when an instruction, window or text exceeds the KV cache or its positions."""
