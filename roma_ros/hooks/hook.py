"""Base class of hooks."""

from __future__ import annotations

import abc

from roma_ros.journal import Record

__all__ = ["Hook"]


class Hook(abc.ABC):
    """Destination of events; used by one thread."""

    attempts: int = 1
    """Number of tries of one event."""

    @abc.abstractmethod
    def deliver(self, record: Record) -> None:
        """Deliver an event, and wait until it is delivered.

        Raises:
            DeliveryError: the event was not delivered.
        """

    def close(self) -> None:  # noqa: B027  # most have nothing to close
        """End connections and the current delivery; may be called from another thread."""

    @abc.abstractmethod
    def __str__(self) -> str:
        """Return the hook's name for messages, without secrets."""
