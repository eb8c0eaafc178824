"""Mailbox, between two threads."""

from __future__ import annotations

import threading
import time

import pytest

from roma_ros.sources.mailbox import Mailbox


def test_a_slow_reader_gets_the_newest_and_the_rest_is_counted() -> None:
    mailbox: Mailbox[int] = Mailbox(3)
    for number in range(10):
        mailbox.put(number)
    mailbox.close()
    assert list(mailbox) == [7, 8, 9]
    assert mailbox.dropped == 7


def test_a_reader_waits_for_what_comes() -> None:
    mailbox: Mailbox[int] = Mailbox(3)

    def write() -> None:
        for number in range(5):
            time.sleep(0.01)
            mailbox.put(number)
        mailbox.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert list(mailbox) == [0, 1, 2, 3, 4]
    writer.join()


def test_an_error_comes_after_what_was_in_time() -> None:
    mailbox: Mailbox[int] = Mailbox(3)
    mailbox.put(1)
    mailbox.close(OSError("unplugged"))
    read: list[int] = []
    with pytest.raises(OSError, match="unplugged"):
        read.extend(mailbox)
    assert read == [1]


def test_nothing_comes_after_the_close() -> None:
    mailbox: Mailbox[int] = Mailbox(3)
    mailbox.close()
    mailbox.close(OSError("too late to matter"))
    mailbox.put(1)
    assert list(mailbox) == []


def test_what_waits_is_bounded_in_bytes_too():
    mailbox = Mailbox(10, max_bytes=100)
    for number in range(4):
        mailbox.put(number, size=40)
    mailbox.put(4, size=500)
    mailbox.close()
    assert list(mailbox) == [4]
    assert mailbox.dropped == 4


def test_room_is_made_only_as_far_as_it_is_needed():
    mailbox = Mailbox(10, max_bytes=100)
    for number, size in enumerate([50, 30, 0, 20, 40]):
        mailbox.put(number, size)
    mailbox.close()
    assert list(mailbox) == [1, 2, 3, 4]
