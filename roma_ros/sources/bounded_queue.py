"""Bounded queue between a device's thread and the one that reads it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

__all__ = ["BoundedQueue"]

T = TypeVar("T")


class BoundedQueue(Generic[T]):
    """Queue of the newest items: when it is full the oldest is dropped and counted.

    Iterate over it to take items; the iteration ends when the queue is closed and empty.

    Args:
        capacity: most items in the queue.
        max_bytes: most bytes of all items together; `None`: no limit. The newest item is kept
            whatever its size.

    Attributes:
        dropped: number of items that were dropped.
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
        """Add an item. Never blocks; does nothing when the queue is closed.

        Args:
            item: any object.
            size: size of the item, bytes.
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
        """Close the queue: the reader gets the remaining items, and then `error` if any."""
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
