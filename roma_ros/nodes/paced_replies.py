"""Replies one after the other, not many at once.

With the default quality of service a client keeps the last 10 replies of its service, those to all
other clients among them; what comes faster than it can take is lost, and it waits for ever. Of
1,000 replies as fast as they go, such clients got 376; of 1,000 with 2 ms between them, all.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

__all__ = ["PacedReplies"]

log = logging.getLogger(__name__)

PERIOD = 0.002  # seconds from one reply to the next
MAX_WAITING = 2_000  # replies; further ones are sent at once


class PacedReplies:
    """A thread that sends replies, with a pause after each."""

    def __init__(self, period: float = PERIOD) -> None:
        self._period = period
        self._waiting: queue.Queue[Callable[[], object] | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._work, name="replies", daemon=True)
        self._thread.start()

    def put(self, send: Callable[[], object]) -> None:
        """Have a reply sent when it is its turn; from any thread, never waits."""
        try:
            self._waiting.put_nowait(send)
        except queue.Full:
            send()

    def close(self) -> None:
        """Send what waits without pauses, and end the thread."""
        self._period = 0.0
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (send := self._waiting.get()) is not None:
            try:
                send()
            except Exception:  # who asked has gone; the others wait
                log.exception("a reply could not be sent")
            time.sleep(self._period)
