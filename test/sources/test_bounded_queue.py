"""BoundedQueue, between two threads."""

from __future__ import annotations

import threading
import time

import pytest

from roma_ros.sources.bounded_queue import BoundedQueue


def test_a_slow_reader_gets_the_newest_and_the_rest_is_counted() -> None:
    queue: BoundedQueue[int] = BoundedQueue(3)
    for number in range(10):
        queue.put(number)
    queue.close()
    assert list(queue) == [7, 8, 9]
    assert queue.dropped == 7


def test_a_reader_waits_for_what_comes() -> None:
    queue: BoundedQueue[int] = BoundedQueue(5)  # however slow the reader is

    def write() -> None:
        for number in range(5):
            time.sleep(0.01)
            queue.put(number)
        queue.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert list(queue) == [0, 1, 2, 3, 4]
    writer.join()


def test_an_error_comes_after_what_was_in_time() -> None:
    queue: BoundedQueue[int] = BoundedQueue(3)
    queue.put(1)
    queue.close(OSError("unplugged"))
    read: list[int] = []
    with pytest.raises(OSError, match="unplugged"):
        read.extend(queue)
    assert read == [1]


def test_nothing_comes_after_the_close() -> None:
    queue: BoundedQueue[int] = BoundedQueue(3)
    queue.close()
    queue.close(OSError("too late to matter"))
    queue.put(1)
    assert list(queue) == []


def test_what_waits_is_bounded_in_bytes_too():
    queue = BoundedQueue(10, max_bytes=100)
    for number in range(4):
        queue.put(number, size=40)
    queue.put(4, size=500)
    queue.close()
    assert list(queue) == [4]
    assert queue.dropped == 4


def test_room_is_made_only_as_far_as_it_is_needed():
    queue = BoundedQueue(10, max_bytes=100)
    for number, size in enumerate([50, 30, 0, 20, 40]):
        queue.put(number, size)
    queue.close()
    assert list(queue) == [1, 2, 3, 4]
