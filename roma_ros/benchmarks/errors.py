"""Error of annotation and prediction files."""

__all__ = ["BenchmarkError"]


class BenchmarkError(ValueError):
    """Raised when a file cannot be scored.

    The message is one line that names the file, and the row and field where one is at fault.
    """
