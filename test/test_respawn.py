"""Delays before a node is started again; the launch actions are run in nodes/test_launch_files."""

from __future__ import annotations

from roma_ros.respawn import BackOff


def test_a_node_that_cannot_run_is_started_later_each_time() -> None:
    back_off = BackOff(first=1.0, longest=60.0)
    delays = [back_off.delay(ran=0.5) for _ in range(9)]
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_after_a_steady_run_the_delay_is_the_first_again() -> None:
    back_off = BackOff(first=1.0, longest=60.0, steady=60.0)
    assert [back_off.delay(ran=ran) for ran in (0.5, 0.5, 59.9, 61.0, 0.5)] == [1, 2, 4, 1, 2]


def test_a_back_off_of_years_stays_a_number() -> None:
    back_off = BackOff()
    assert {back_off.delay(0.0) for _ in range(5_000)} == {1, 2, 4, 8, 16, 32, 60}
