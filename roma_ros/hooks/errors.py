"""What can be wrong with a hook, and with one delivery."""

__all__ = ["DeliveryError", "HookError"]


class HookError(ValueError):
    """A hook cannot be made: its command, address or settings; the message says what to do."""


class DeliveryError(RuntimeError):
    """An event was not delivered.

    Args:
        message: what went wrong.
        retry_after: seconds after which it may be tried again; `None`: it is of no use.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
