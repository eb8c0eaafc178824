"""Thread for work that takes long and cannot be stopped, such as loading a model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Generic, TypeVar

__all__ = ["Loading", "LoadingAbandonedError"]

Loaded = TypeVar("Loaded")


class LoadingAbandonedError(RuntimeError):
    """Raised when the load was abandoned before it was done."""


class Loading(Generic[Loaded]):
    """A load under way, in a thread of its own.

    Args:
        what: description of what is loaded, for messages.
        load: called in the thread; returns the result.
        discard: called with a result that arrives after `abandon`, to free it.
    """

    def __init__(
        self, what: str, load: Callable[[], Loaded], discard: Callable[[Loaded], object]
    ) -> None:
        self._what = what
        self._load = load
        self._discard = discard
        self._began = time.monotonic()
        self._outcome: Future[Loaded] = Future()
        self._thread = threading.Thread(target=self._work, name="loading", daemon=True)
        self._thread.start()

    def __str__(self) -> str:
        return f"loading {self._what}, for {time.monotonic() - self._began:.0f} s so far"

    @property
    def is_running(self) -> bool:
        """Whether the thread is still running, also after `abandon`."""
        return self._thread.is_alive()

    @property
    def is_done(self) -> bool:
        """Whether `wait` returns at once."""
        return self._outcome.done()

    def wait(self) -> Loaded:
        """Wait for the result and return it.

        Raises:
            LoadingAbandonedError: `abandon` was called before the end.
            Exception: the exception that `load` raised.
        """
        return self._outcome.result()

    def abandon(self) -> None:
        """Let `wait` raise at once; the thread runs to its end, and its result is discarded."""
        self._fail(LoadingAbandonedError(f"abandoned {self}"))

    def _work(self) -> None:
        try:
            loaded = self._load()
        except Exception as error:
            self._fail(error)
        except BaseException as error:  # such as a panic of a Rust library
            self._fail(RuntimeError(f"{type(error).__name__}: {error}"))
        else:
            self._succeed(loaded)

    def _succeed(self, loaded: Loaded) -> None:
        try:
            self._outcome.set_result(loaded)
        except InvalidStateError:
            self._discard(loaded)

    def _fail(self, error: Exception) -> None:
        with suppress(InvalidStateError):  # the load is done or was abandoned
            self._outcome.set_exception(error)
