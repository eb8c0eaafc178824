"""Errors of hooks and of deliveries."""

__all__ = ["DeliveryError", "HookError"]


class HookError(ValueError):
    """Raised when a command, address or setting of a hook is wrong; the message has the remedy."""


class DeliveryError(RuntimeError):
    """Raised when an event was not delivered.

    Args:
        message: reason of the failure.
        retry_after: seconds until the next try; `None`: another try would fail as well.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
