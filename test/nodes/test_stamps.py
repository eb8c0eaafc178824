from builtin_interfaces.msg import Time

from roma_ros.nodes.stamps import stamp_of, time_of

SECOND = 1_000_000_000


def test_stamps_survive_the_way_there_and_back():
    for stamp in (0, 1, SECOND - 1, SECOND, 1_700_000_000_123_456_789):
        assert stamp_of(time_of(stamp)) == stamp
    assert time_of(3 * SECOND + 5) == Time(sec=3, nanosec=5)
