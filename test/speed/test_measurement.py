import pytest

from roma_ros.speed import MissingTimingsError, Spread, measure


def test_a_window_is_full_and_every_phase_is_timed(tiny):
    told = []
    measured = measure(
        tiny,
        units=3,
        context_seconds=2,
        context_policy="handover",
        tokens=5,
        on_progress=lambda what, done, of: told.append((what, done, of)),
    )
    assert measured.window == 2
    assert measured.unit_tokens == 4 + 25 + measured.video_tokens
    inside = measured.opening_tokens + 2 * measured.unit_tokens
    assert measured.seen_tokens == inside
    parts = ("features", "vision", "audio", "backbone", "head", "handover")
    assert all(measured.phases[name].mean > 0 for name in parts)
    assert measured.phases["total"].n == 3
    assert measured.token.n == 5
    assert measured.memory.process_peak > measured.memory.weights > 4 * 4_000_000
    assert measured.memory.device_peak == 0
    assert {("units", 3, 3), ("tokens", 5, 5)} <= set(told)


def test_a_model_that_is_silent_at_once_cannot_be_timed(puppet):
    puppet.falls_silent()
    with pytest.raises(MissingTimingsError, match="model-config"):
        measure(puppet.thinker, units=1, context_seconds=1, tokens=2)


def test_spreads_are_milliseconds():
    spread = Spread.of([0.001, 0.002, 0.003])
    assert (spread.p50, spread.mean, spread.n) == (2.0, 2.0, 3)
    assert 2.9 < spread.p99 <= 3.0
