"""A bounded queue between a device's thread and the one that reads it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Keeps the newest items: a reader that is too slow loses the oldest, and they are counted.

    Args:
        capacity: items that may wait.

    Attributes:
        dropped: items that were lost.
    """

    def __init__(self, capacity: int) -> None:
        self.dropped = 0
        self._items: deque[T] = deque(maxlen=capacity)
        self._changed = threading.Condition()
        self._closed = False
        self._error: Exception | None = None

    def put(self, item: T) -> None:
        """Never blocks; does nothing once the mailbox is closed."""
        with self._changed:
            if self._closed:
                return
            self.dropped += len(self._items) == self._items.maxlen
            self._items.append(item)
            self._changed.notify()

    def close(self, error: Exception | None = None) -> None:
        """Nothing more will come; a reader gets what waits, and then `error` if there is one."""
        with self._changed:
            if not self._closed:
                self._closed, self._error = True, error
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closed)
                if not self._items:
                    break
                item = self._items.popleft()
            yield item
        if self._error is not None:
            raise self._error
