"""What all hooks have in common."""

from __future__ import annotations

import abc

from roma_ros.journal import Record

__all__ = ["Hook"]


class Hook(abc.ABC):
    """One place that events are delivered to; used by one thread."""

    attempts: int = 1
    """How often an event is tried before it is given up."""

    @abc.abstractmethod
    def deliver(self, record: Record) -> None:
        """Deliver an event, and wait until that is done.

        Raises:
            DeliveryError: it was not delivered.
        """

    def close(self) -> None:  # noqa: B027  # most have nothing to end
        """End connections and what is under way; may be called from another thread."""

    @abc.abstractmethod
    def __str__(self) -> str:
        """Name it in messages, without secrets."""
