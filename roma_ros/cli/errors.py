"""What a command cannot do, said in one line."""

__all__ = ["CommandError", "UnjudgedError", "UsageError"]


class CommandError(Exception):
    """A command has failed; its message is all that the user gets to see.

    Attributes:
        exit_code: of the process.
    """

    exit_code = 1


class UsageError(CommandError):
    """A command cannot start: a wrong argument, a missing file, a model that does not load."""

    exit_code = 2


class UnjudgedError(CommandError):
    """A stream, or a part of it, was not judged: no alert says nothing about what happened."""

    exit_code = 3
