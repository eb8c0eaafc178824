"""Stretches read one by one against the whole signal resampled at once."""

import numpy as np
import pytest
import soxr

from roma_ros.units.resampler import AudioRun
from roma_ros.units.unit import NS_PER_SECOND, UNIT_RATE

RATES = [8000, 11025, 16000, 22050, 32000, 44099, 44100, 48000, 96000, 192000]
ORIGIN = 1_700_000_000_123_456_789


def run_of(signal: np.ndarray, rate: int, size: int) -> AudioRun:
    run = AudioRun(ORIGIN, rate)
    for first in range(0, len(signal), size):
        run.append(signal[first : first + size])
    return run


@pytest.mark.parametrize("rate", RATES)
def test_a_sine_read_in_stretches_equals_one_shot(rate):
    time = np.arange(4 * rate) / rate
    sine = np.sin(2 * np.pi * 997 * time).astype(np.float32)
    run = run_of(sine, rate, rate // 97)
    stretches = []
    for low in range(0, 3 * UNIT_RATE, UNIT_RATE // 2):
        first, samples = run.read(ORIGIN, low, low + UNIT_RATE // 2)
        assert first == low
        stretches.append(samples)
        run.forget(ORIGIN, low + UNIT_RATE // 2)
    whole = np.asarray(soxr.resample(sine, rate, UNIT_RATE))[: 3 * UNIT_RATE]
    np.testing.assert_allclose(np.concatenate(stretches), whole, atol=3e-5)
    expected = np.sin(2 * np.pi * 997 * np.arange(3 * UNIT_RATE) / UNIT_RATE)
    np.testing.assert_allclose(whole[500:], expected[500:], atol=1e-4)


@pytest.mark.parametrize("rate", RATES)
def test_noise_shows_no_seam(rate):
    noise = np.random.default_rng(0).normal(0, 0.3, 3 * rate).astype(np.float32)
    run = run_of(noise, rate, rate // 50)
    whole = np.asarray(soxr.resample(noise, rate, UNIT_RATE))
    for low in (0, 7_321, UNIT_RATE, 30_001):
        _, samples = run.read(ORIGIN, low, low + 4_000)
        np.testing.assert_allclose(samples, whole[low : low + 4_000], atol=1e-4)


def test_what_lies_above_8_khz_is_filtered_out():
    rate = 48000
    hiss = np.sin(2 * np.pi * 11_000 * np.arange(2 * rate) / rate).astype(np.float32)
    _, samples = run_of(hiss, rate, 480).read(ORIGIN, 1000, 17_000)
    assert np.abs(samples).max() < 1e-4


def test_only_what_the_run_covers_is_read():
    run = run_of(np.ones(4800, np.float32), 48000, 480)
    start = ORIGIN - NS_PER_SECOND // 2
    first, samples = run.read(start, 0, UNIT_RATE)
    assert (first, len(samples)) == (8000, 1600)
    first, samples = run.read(start, 9000, 9100)
    assert (first, len(samples)) == (9000, 100)
    assert len(run.read(start, 0, 8000)[1]) == 0
    assert len(run.read(start, 9600, 16000)[1]) == 0


@pytest.mark.parametrize("rate", [16000, 44099, 48000])
def test_what_is_read_is_forgotten(rate):
    run = AudioRun(ORIGIN, rate)
    piece = np.zeros(rate // 10, np.float32)
    for index in range(60):
        for _ in range(10):
            run.append(piece)
        run.read(ORIGIN, index * UNIT_RATE, (index + 1) * UNIT_RATE)
        run.forget(ORIGIN, (index + 1) * UNIT_RATE)
    assert sum(map(len, run._chunks)) <= 1.1 * rate
    assert abs(run.end - ORIGIN - 60 * NS_PER_SECOND) < 60 * NS_PER_SECOND / rate * 10
