from builtin_interfaces.msg import Time

from roma_ros.nodes.stamps import AudioCountedOn, stamp_of, time_of

SECOND = 1_000_000_000


def test_stamps_survive_the_way_there_and_back():
    for stamp in (0, 1, SECOND - 1, SECOND, 1_700_000_000_123_456_789):
        assert stamp_of(time_of(stamp)) == stamp
    assert time_of(3 * SECOND + 5) == Time(sec=3, nanosec=5)


def test_audio_without_stamps_is_counted_on_by_its_samples_despite_jitter():
    counted = AudioCountedOn()
    first = counted.stamp(received=10 * SECOND, duration=0.1)
    assert first == 10 * SECOND - SECOND // 10
    jitter = (30, -20, 50, 0)  # ms
    for number, late in enumerate(jitter, start=1):
        received = 10 * SECOND + number * SECOND // 10 + late * 1_000_000
        assert counted.stamp(received, 0.1) == first + number * SECOND // 10


def test_after_a_pause_audio_without_stamps_begins_anew():
    counted = AudioCountedOn()
    counted.stamp(10 * SECOND, 0.1)
    assert counted.stamp(13 * SECOND, 0.1) == 13 * SECOND - SECOND // 10
