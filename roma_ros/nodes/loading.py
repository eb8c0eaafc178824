"""Work that takes long and cannot be stopped, such as loading a model, in a thread of its own."""

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
    """Nobody waits for what was being loaded any more."""


class Loading(Generic[Loaded]):
    """Something that is being loaded.

    Args:
        what: is loaded, in words.
        load: loads it, in a thread of its own.
        discard: frees what was loaded after `abandon`.
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
    def at_work(self) -> bool:
        """Whether the thread has not ended; also after `abandon`."""
        return self._thread.is_alive()

    @property
    def over(self) -> bool:
        """Whether `wait` returns at once."""
        return self._outcome.done()

    def wait(self) -> Loaded:
        """What was loaded.

        Raises:
            LoadingAbandonedError: `abandon` was called before it was there.
            Exception: whatever `load` raises.
        """
        return self._outcome.result()

    def abandon(self) -> None:
        """Let `wait` return at once; the thread goes on to its end, and its result is freed."""
        self._fail(LoadingAbandonedError(f"gave up {self}"))

    def _work(self) -> None:
        try:
            loaded = self._load()
        except Exception as error:
            self._fail(error)
        except BaseException as error:  # a panic of a library in Rust
            self._fail(RuntimeError(f"{type(error).__name__}: {error}"))
        else:
            self._succeed(loaded)

    def _succeed(self, loaded: Loaded) -> None:
        try:
            self._outcome.set_result(loaded)
        except InvalidStateError:
            self._discard(loaded)

    def _fail(self, error: Exception) -> None:
        with suppress(InvalidStateError):  # it is loaded, or was abandoned
            self._outcome.set_exception(error)
