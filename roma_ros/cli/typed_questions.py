"""Questions that are typed on the terminal during a run."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

__all__ = ["TypedQuestions"]

POLL_PERIOD = 0.2  # seconds between checks for the end
MAX_LINE = 8_192  # bytes; of a longer line the end is kept


class TypedQuestions:
    """Reader of questions from standard input, if that is a terminal; else it does nothing.

    Use as a context manager.

    Args:
        ask: called with each line, without its line break, in a thread.
    """

    def __init__(self, ask: Callable[[str], None]) -> None:
        self._ask = ask
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._on_background_read: Any = signal.SIG_DFL  # handler to restore

    def __enter__(self) -> TypedQuestions:
        if _is_foreground_terminal():
            # A run that is sent to the background continues without reading; SIGTTIN would stop it.
            self._on_background_read = signal.signal(signal.SIGTTIN, signal.SIG_IGN)
            self._thread = threading.Thread(target=self._read, name="typed", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        if self._thread is not None:
            self._closed.set()
            self._thread.join(timeout=2.0)
            signal.signal(signal.SIGTTIN, self._on_background_read)

    def _read(self) -> None:
        terminal, line = sys.stdin.fileno(), b""
        while not self._closed.is_set():
            if not select.select([terminal], [], [], POLL_PERIOD)[0]:
                continue
            try:
                data = os.read(terminal, 4096)
            except OSError:  # the terminal was closed, or the run is in the background
                return
            if not data:
                return
            *lines, line = (line + data).split(b"\n")
            line = line[-MAX_LINE:]
            for each in lines:
                if text := each.decode(errors="replace").strip():
                    self._ask(text)


def _is_foreground_terminal() -> bool:
    if threading.current_thread() is not threading.main_thread():
        return False  # only the main thread may set signal handlers
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (AttributeError, OSError, ValueError):
        return False
