import numpy as np

from roma_ros.units import RgbFrame
from roma_ros.units.frame_buffer import SPARE, FrameBuffer

PICTURE = np.zeros((1, 1, 3), np.uint8)


def buffer_of(*stamps: int) -> FrameBuffer:
    buffer = FrameBuffer()
    for stamp in stamps:
        buffer.add(RgbFrame(stamp, PICTURE))
    return buffer


def test_the_nearest_first_and_the_earlier_of_equals():
    buffer = buffer_of(40, 10, 30, 20, 50)
    assert [frame.stamp for frame in buffer.nearest(30, end=50)] == [30, 20, 40, 10]
    assert [frame.stamp for frame in buffer.nearest(35, end=100, count=2)] == [30, 40]


def test_one_frame_for_each_stamp():
    buffer = buffer_of(10)
    assert not buffer.add(RgbFrame(10, PICTURE))
    assert len(buffer) == 1


def test_only_the_nearest_and_the_newest_are_kept():
    buffer = buffer_of(*range(1000))
    buffer.prune([(200, 500), (600, 550)])
    kept = [frame.stamp for frame in buffer.nearest(0, end=10**9)]
    assert kept == [199, 200, 548, 549, 998, 999]
    assert SPARE == 2
