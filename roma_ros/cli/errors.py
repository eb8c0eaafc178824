"""Errors of commands, which `roma` prints in one line."""

__all__ = ["CommandError", "UnprocessedError", "UsageError"]


class CommandError(Exception):
    """Raised when a command fails while it runs.

    The message is all that the user sees: one line, without a traceback.

    Attributes:
        exit_code: exit code of the process.
    """

    exit_code = 1


class UsageError(CommandError):
    """Raised when a command cannot start: a wrong argument, a missing file, an unusable model."""

    exit_code = 2


class UnprocessedError(CommandError):
    """Raised when a stream, or a part of it, was not processed, so that no alert means nothing."""

    exit_code = 3
