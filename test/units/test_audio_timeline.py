"""Order, jitter, drift, gaps, overlaps and changes of rate."""

import numpy as np
import pytest
import soxr

from roma_ros.units import NS_PER_SECOND, UNIT_RATE, AssemblerStats, AudioChunk
from roma_ros.units.audio_timeline import MAX_WAITING, AudioTimeline

MS = NS_PER_SECOND // 1000
START = 1_700_000_000 * NS_PER_SECOND
NEVER_LATE = 2 * START


def sine(rate: int, seconds: float = 2.5, frequency: float = 440) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def pieces(signal: np.ndarray, rate: int, piece_ms: int) -> list[AudioChunk]:
    size = rate * piece_ms // 1000
    return [
        AudioChunk(START + first * NS_PER_SECOND // rate, rate, signal[first : first + size])
        for first in range(0, len(signal), size)
    ]


def moved(piece: AudioChunk, ns: int) -> AudioChunk:
    return AudioChunk(piece.stamp + ns, piece.rate, piece.samples)


def line_of(items: list[AudioChunk]) -> tuple[AudioTimeline, AssemblerStats]:
    stats = AssemblerStats()
    line = AudioTimeline(stats)
    for item in items:
        line.add(item)
        line.settle(item.stamp)
    return line, stats


def two_units(line: AudioTimeline) -> tuple[np.ndarray, int]:
    parts = [line.read(START, index) for index in (0, 1)]
    return np.concatenate([audio for audio, _ in parts]), sum(missing for _, missing in parts)


def one_shot(signal: np.ndarray, rate: int) -> np.ndarray:
    return np.asarray(soxr.resample(signal, rate, UNIT_RATE))[: 2 * UNIT_RATE]


@pytest.mark.parametrize("rate", [8000, 22050, 48000, 192000])
@pytest.mark.parametrize("piece_ms", [3, 10, 64])
def test_no_clicks_between_pieces_nor_units(rate, piece_ms):
    signal = sine(rate)
    audio, missing = two_units(line_of(pieces(signal, rate, piece_ms))[0])
    assert missing == 0
    np.testing.assert_allclose(audio, one_shot(signal, rate), atol=3e-5)


def test_stereo_becomes_the_mean():
    signal = np.stack([sine(48000), sine(48000, frequency=1000)], axis=1)
    size = 480
    items = [
        AudioChunk(START + first * NS_PER_SECOND // 48000, 48000, signal[first : first + size])
        for first in range(0, len(signal), size)
    ]
    audio, _ = two_units(line_of(items)[0])
    np.testing.assert_allclose(audio, one_shot(signal.mean(axis=1), 48000), atol=3e-5)


@pytest.mark.parametrize("jitter_ms", [1, 3, 5])
def test_jittered_stamps_change_nothing_but_the_start(jitter_ms):
    rng = np.random.default_rng(jitter_ms)
    signal = sine(48000)
    first, *rest = pieces(signal, 48000, 20)
    jitter = jitter_ms * MS
    rest = [moved(piece, int(rng.integers(-jitter, jitter))) for piece in rest]
    line, stats = line_of([first, *rest])
    audio, missing = two_units(line)
    assert (stats.audio_gaps, stats.audio_overlap, missing) == (0, 0, 0)
    np.testing.assert_allclose(audio, one_shot(signal, 48000), atol=3e-5)


@pytest.mark.parametrize("ppm", [-300, 300])
def test_a_drifting_clock_is_followed_without_clicks(ppm):
    signal = sine(16000, seconds=60)
    items = [
        moved(piece, (piece.stamp - START) * ppm // 10**6) for piece in pieces(signal, 16000, 20)
    ]
    line, stats = line_of(items)
    # 18 ms in 60 s: within what stamps may be off.
    assert (stats.audio_gaps, stats.audio_overlap) == (0, 0)
    for index in range(59):
        audio, missing = line.read(START, index)
        np.testing.assert_array_equal(audio, signal[index * UNIT_RATE : (index + 1) * UNIT_RATE])
        assert missing == 0


@pytest.mark.parametrize("ppm", [-1000, 1000])
def test_a_clock_that_drifts_far_is_corrected_now_and_then(ppm):
    signal = sine(16000, seconds=100)
    items = [
        moved(piece, (piece.stamp - START) * ppm // 10**6) for piece in pieces(signal, 16000, 20)
    ]
    line, stats = line_of(items)
    corrections = stats.audio_gaps + stats.audio_overlap
    assert 4 <= corrections <= 6  # 100 ms in steps of 20 ms
    assert line.end is not None
    assert abs(line.end - items[-1].end) <= 21 * MS


@pytest.mark.parametrize("piece_ms", [10, 20, 50])
def test_a_lost_piece_is_silence_of_its_length_in_its_place(piece_ms):
    signal = sine(16000)
    items = pieces(signal, 16000, piece_ms)
    lost = items.pop(20)
    audio, missing = two_units(line_of(items)[0])
    first = (lost.stamp - START) * UNIT_RATE // NS_PER_SECOND
    last = first + len(lost.samples)
    expected = signal[: 2 * UNIT_RATE].copy()
    expected[first:last] = 0
    np.testing.assert_array_equal(audio, expected)
    assert missing == last - first


def test_a_gap_is_counted_and_what_follows_is_in_its_place():
    signal = sine(44100)
    items = pieces(signal, 44100, 10)
    line, stats = line_of(items[:60] + items[110:])
    audio, missing = two_units(line)
    assert stats.audio_gaps == 1
    assert missing == pytest.approx(8000, abs=2)
    assert not audio[9601:17599].any()
    expected = one_shot(signal, 44100)
    # The filter sees the edges of the gap: leave 10 ms on both sides.
    np.testing.assert_allclose(audio[:9440], expected[:9440], atol=3e-5)
    np.testing.assert_allclose(audio[17760:], expected[17760:], atol=1e-3)


def test_an_overlap_is_trimmed_and_counted():
    signal = sine(16000)
    head, tail = signal[:8000], signal[7200:]  # 50 ms twice
    items = [AudioChunk(START, 16000, head), AudioChunk(START + 450 * MS, 16000, tail)]
    line, stats = line_of(items)
    audio, missing = two_units(line)
    np.testing.assert_array_equal(audio, signal[: 2 * UNIT_RATE])
    assert (stats.audio_overlap, missing) == (1, 0)


def test_pieces_delivered_twice_are_heard_once():
    signal = sine(16000)
    items = [piece for piece in pieces(signal, 16000, 10) for _ in range(2)]
    line, stats = line_of(items)
    np.testing.assert_array_equal(two_units(line)[0], signal[: 2 * UNIT_RATE])
    assert stats.audio_overlap == len(items) // 2
    for item in items[-4:]:  # and once they are on the line
        line.add(item)
    line.settle(NEVER_LATE)
    assert line.end == items[-1].end


@pytest.mark.parametrize("rates", [(48000, 44100), (8000, 16000), (16000, 96000)])
def test_the_rate_may_change(rates):
    before, after = (pieces(sine(rate), rate, 20) for rate in rates)
    half = len(before) // 2
    line, stats = line_of(before[:half] + after[half:])
    audio, missing = two_units(line)
    assert stats.audio_gaps == 0
    assert missing <= 1
    change = half * 320
    expected = sine(16000)[: 2 * UNIT_RATE]
    np.testing.assert_allclose(audio[500 : change - 160], expected[500 : change - 160], atol=1e-3)
    np.testing.assert_allclose(audio[change + 160 :], expected[change + 160 :], atol=1e-3)
    assert np.abs(audio).max() < 0.7


def test_a_piece_waits_while_one_before_it_may_come():
    stats = AssemblerStats()
    line = AudioTimeline(stats)
    items = pieces(sine(16000), 16000, 10)
    horizon = START + 5 * MS
    line.add(items[0])
    line.settle(START - 1)
    assert not line.read(START, 0)[0].any()  # an earlier first piece may come
    line.settle(horizon)
    assert line.end == items[0].end
    line.add(items[2])
    line.settle(horizon)
    assert line.end == items[0].end
    line.add(items[1])
    line.settle(horizon)
    assert line.end == items[2].end  # at once
    line.add(items[4])
    line.settle(items[4].stamp)
    assert line.end == items[4].end  # the one before would be too late
    line.add(items[3])
    assert stats.audio_late == 1


def test_what_waits_is_bounded():
    stats = AssemblerStats()
    line = AudioTimeline(stats)
    tiny = np.zeros(1, np.float32)
    for index in range(3 * MAX_WAITING):
        line.add(AudioChunk(START + index, 16000, tiny))
    assert stats.audio_overflow == 2 * MAX_WAITING
    line = AudioTimeline(stats)
    for index in range(10):
        line.add(AudioChunk(START + index, 192000, np.zeros(1920000, np.float32)))
    assert stats.audio_overflow == 2 * MAX_WAITING + 8


def test_what_is_read_is_forgotten():
    line, _ = line_of(pieces(sine(48000, seconds=30), 48000, 20))
    for index in range(30):
        line.read(START, index)
        line.forget(START, index + 1)
    assert sum(len(piece) for run in line._runs for piece in run._chunks) < 4800
