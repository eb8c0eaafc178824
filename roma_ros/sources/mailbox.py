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
        max_bytes: of all that wait; `None`: any. The newest item may wait whatever it has.

    Attributes:
        dropped: items that were lost.
    """

    def __init__(self, capacity: int, max_bytes: int | None = None) -> None:
        self.dropped = 0
        self._max_bytes = max_bytes
        self._sizes: deque[int] = deque()
        self._items: deque[T] = deque(maxlen=capacity)
        self._changed = threading.Condition()
        self._closed = False
        self._error: Exception | None = None

    def put(self, item: T, size: int = 0) -> None:
        """Never blocks; does nothing once the mailbox is closed.

        Args:
            size: of the item, bytes.
        """
        with self._changed:
            if self._closed:
                return
            self._make_room(size)
            self._items.append(item)
            self._sizes.append(size)
            self._changed.notify()

    def _make_room(self, size: int) -> None:
        while self._items and (
            len(self._items) == self._items.maxlen
            or (self._max_bytes is not None and sum(self._sizes) + size > self._max_bytes)
        ):
            self._items.popleft()
            self._sizes.popleft()
            self.dropped += 1

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
                self._sizes.popleft()
            yield item
        if self._error is not None:
            raise self._error
