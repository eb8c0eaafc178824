import numpy as np
from builtin_interfaces.msg import Time

from roma_ros.nodes.stamps import ARRIVAL_TOLERANCE, stamp_by_arrival, stamp_of, time_of
from roma_ros.sources.sample_clock import SampleClock
from roma_ros.units import AudioChunk

SECOND = 1_000_000_000


def test_stamps_survive_the_way_there_and_back():
    for stamp in (0, 1, SECOND - 1, SECOND, 1_700_000_000_123_456_789):
        assert stamp_of(time_of(stamp)) == stamp
    assert time_of(3 * SECOND + 5) == Time(sec=3, nanosec=5)


def stamps(*received: int) -> list[int]:
    """Stamps of audio chunks of 0.1 s that arrive at these times."""
    chunk = AudioChunk(0, 16_000, np.zeros((1600, 1), np.float32))
    clock = SampleClock(chunk.rate, ARRIVAL_TOLERANCE)
    return [stamp_by_arrival(chunk, each, clock).stamp for each in received]


def test_audio_without_stamps_is_counted_on_by_its_samples_despite_jitter():
    jitter = (0, 30, -20, 50, 90)  # ms
    received = (
        10 * SECOND + number * SECOND // 10 + late * 1_000_000 for number, late in enumerate(jitter)
    )
    first = 10 * SECOND - SECOND // 10
    assert stamps(*received) == [first + number * SECOND // 10 for number in range(len(jitter))]


def test_after_a_pause_audio_without_stamps_begins_anew():
    assert stamps(10 * SECOND, 13 * SECOND)[1] == 13 * SECOND - SECOND // 10
