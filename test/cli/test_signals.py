"""Signals of this very process."""

from __future__ import annotations

import os
import signal

import pytest

from roma_ros.cli.signals import stopping_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_and_the_second_does_what_it_did(number: signal.Signals) -> None:
    stops: list[int] = []
    ends: list[int] = []
    before = signal.signal(number, lambda *_: ends.append(1))
    try:
        with stopping_on_signals(lambda: stops.append(1)):
            os.kill(os.getpid(), number)
            assert (len(stops), len(ends)) == (1, 0)
            os.kill(os.getpid(), number)
            assert (len(stops), len(ends)) == (1, 1)
    finally:
        assert signal.signal(number, before) is not before
