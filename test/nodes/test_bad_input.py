"""Bad input over real topics: counted and said, and nothing lost of what was fine."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage

from roma_ros.nodes.stamps import stamp_of

from .conftest import BASE, SECOND, audio, ends, header, image, until

HALF = SECOND // 2


def floats(values: Any) -> array.array[int]:
    return array.array("B", np.asarray(values, "<f4").tobytes())


BAD_IMAGES = {
    "no data": {"data": array.array("B")},
    "too little data": {"data": array.array("B", bytes(100))},
    "a step shorter than a row": {"step": 3},
    "an unknown encoding": {"encoding": "rgb161616"},
    "no size": {"height": 0, "width": 0},
    "an absurd size": {"height": 2**31, "width": 2**31},
}
BAD_AUDIO = {
    "nothing": {"data": array.array("B")},
    "half a sample": {"data": array.array("B", bytes(3))},
    "NaN": {"format": "f32le", "data": floats([np.nan] * 1600)},
    "an unknown format": {"format": "mp3"},
    "no rate": {"sample_rate": 0},
    "no channels": {"channels": 0},
}


@pytest.mark.parametrize("fault", BAD_IMAGES)
def test_an_image_that_cannot_be_decoded_is_counted_and_the_stream_goes_on(make_roma, robot, fault):
    robot.meet(make_roma())
    robot.play(2)
    robot.see(image(robot.now, **BAD_IMAGES[fault]))
    robot.now += SECOND // 100
    robot.play(3)
    assert [message.unit for message in robot.probabilities()] == [0, 1, 2, 3]
    key = f"{robot.namespace}/image: ImageError"
    until(lambda: robot.diagnostic("inputs", key) == "1", "the fault is counted")


@pytest.mark.parametrize("fault", BAD_AUDIO)
def test_audio_that_cannot_be_read_is_counted_and_the_stream_goes_on(make_roma, robot, fault):
    robot.meet(make_roma())
    robot.play(2)
    robot.hear(audio(robot.now, **BAD_AUDIO[fault]))
    robot.play(2)
    assert [message.unit for message in robot.probabilities()] == [0, 1, 2]
    key = f"{robot.namespace}/audio: AudioError"
    until(lambda: robot.diagnostic("inputs", key) == "1", "the fault is counted")
    until(lambda: robot.diagnostic("units", "units with audio filled") == "0", "nothing was lost")


def test_a_corrupt_jpeg_is_counted_and_the_stream_goes_on(make_roma, make_robot):
    robot = make_robot(compressed=True, image_topic="image/compressed")
    robot.meet(make_roma({"image_transport": "compressed", "use_audio": False}))
    junk = CompressedImage(format="jpeg", data=array.array("B", bytes(range(200))))
    for step in range(8):
        junk.header = header(BASE + step * HALF)
        robot.see(junk)
    until(lambda: len(robot.probabilities()) >= 3, "units of black frames")
    key = f"{robot.namespace}/image/compressed: ImageError"
    until(lambda: robot.diagnostic("inputs", key), "the fault is counted")


def test_stamps_of_zero_are_replaced_by_the_time_of_arrival(make_roma, robot):
    robot.meet(make_roma())
    clock = robot.node.get_clock()
    begin = clock.now().nanoseconds
    tenth = 0

    def passed_another_tenth():
        return clock.now().nanoseconds >= begin + tenth * SECOND // 10

    while len(robot.probabilities()) < 2:
        assert tenth < 300, "no units within 30 s"
        until(passed_another_tenth, "real time goes by")
        robot.hear(audio(0))
        robot.see(image(0))
        tenth += 1
    first, second = robot.probabilities()[:2]
    assert (first.unit, second.unit) == (0, 1)
    assert abs(stamp_of(first.header.stamp) - begin - SECOND) < 2 * SECOND
    for name in ("image", "audio"):
        key = f"{robot.namespace}/{name}: no stamp"
        until(lambda key=key: robot.diagnostic("inputs", key), "the fault is counted")


@pytest.mark.parametrize("jump", [-100 * SECOND, 100 * SECOND], ids=["back", "forward"])
def test_stamps_that_jump_begin_a_new_stream(make_roma, robot, jump):
    robot.meet(make_roma())
    robot.play(3)
    robot.now += jump
    before = len(robot.probabilities())
    for _ in range(3):
        robot.publish_second()
    # What was open when the clock jumped is the old stream's last unit; then the new one counts.
    until(lambda: len(robot.probabilities()) >= before + 3, "units of the new stream")
    fresh = robot.probabilities()[before:]
    assert [message.unit for message in fresh] == [2, 0, 1]
    shift = jump / SECOND
    assert ends(fresh) == [3.0, 4.0 + shift, 5.0 + shift]
    until(lambda: robot.diagnostic("units", "new streams") == "1", "the jump is counted")


def test_a_single_wild_stamp_ends_no_stream(make_roma, robot):
    robot.meet(make_roma())
    robot.play(3)
    robot.see(image(robot.now + 1000 * SECOND))
    robot.play(2)
    assert [message.unit for message in robot.probabilities()] == [0, 1, 2, 3]
    until(lambda: robot.diagnostic("units", "stamps bad") == "1", "the stamp is counted")


def test_a_rate_that_changes_in_mid_stream_is_followed(make_roma, robot):
    robot.meet(make_roma())
    robot.play(2)
    wide = floats(0.1 * np.ones((4_800, 2)))
    for piece in range(20):
        stamp = robot.now + piece * SECOND // 10
        robot.hear(audio(stamp, sample_rate=48_000, channels=2, format="f32le", data=wide))
        if piece % 5 == 0:
            robot.see(image(stamp))
    robot.now += 2 * SECOND
    robot.play(1)
    until(lambda: len(robot.probabilities()) == 4, "four units")
    assert [message.unit for message in robot.probabilities()] == [0, 1, 2, 3]
    until(lambda: robot.diagnostic("units", "units made") == "4", "the diagnostics catch up")
    assert robot.diagnostic("units", "units with audio filled") == "0"


def test_a_camera_alone_and_a_microphone_alone_make_units(make_roma, robot):
    robot.meet(make_roma())
    for number in range(4):
        robot.hear(audio(BASE + number * HALF))  # far too little, and no picture
    for number in range(8):
        robot.see(image(BASE + number * HALF))
    until(lambda: len(robot.probabilities()) >= 3, "units with silence for sound")
