from __future__ import annotations

import threading

import pytest

from roma_ros.nodes.loading import Loading, LoadingAbandonedError

from .conftest import until


def test_gives_what_was_loaded_or_what_went_wrong():
    discarded: list[int] = []
    assert Loading("seven", lambda: 7, discarded.append).wait() == 7

    def fail() -> int:
        raise ValueError("no such folder")

    with pytest.raises(ValueError, match="no such folder"):
        Loading("nothing", fail, discarded.append).wait()
    assert discarded == []


def test_says_what_it_loads_while_it_does():
    go_on = threading.Event()
    loading = Loading("seven on cpu", lambda: go_on.wait(30) and 7, lambda _: None)
    assert str(loading) == "loading seven on cpu, for 0 s so far"
    assert loading.is_running
    assert not loading.is_done
    go_on.set()
    assert loading.wait() == 7
    until(lambda: loading.is_done and not loading.is_running, "the thread ends")


def test_what_comes_after_it_was_abandoned_is_discarded():
    go_on = threading.Event()
    discarded: list[int] = []
    loading = Loading("seven", lambda: go_on.wait(30) and 7, discarded.append)
    loading.abandon()
    assert loading.is_done
    assert loading.is_running
    with pytest.raises(LoadingAbandonedError, match="abandoned loading seven"):
        loading.wait()
    go_on.set()
    until(lambda: discarded == [7], "what nobody wants is freed")


def test_an_abandon_that_comes_too_late_changes_nothing():
    discarded: list[int] = []
    loading = Loading("seven", lambda: 7, discarded.append)
    until(lambda: loading.is_done, "it is loaded")
    loading.abandon()
    assert loading.wait() == 7
    assert discarded == []


def test_a_panic_of_a_library_becomes_an_error_that_can_be_caught():
    class PanicError(BaseException):
        """As PyO3's."""

    def panic() -> int:
        raise PanicError("index out of range")

    with pytest.raises(RuntimeError, match="PanicError: index out of range"):
        Loading("nothing", panic, lambda _: None).wait()
