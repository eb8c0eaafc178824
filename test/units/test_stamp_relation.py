import pytest

from roma_ros.units.stamp_relation import Relation, are_of_one_clock, reference_of
from roma_ros.units.stream_clock import Modality

MS = 1_000_000
DECADE = 315_576_000_000


def relation(video_ms: float, audio_ms: float, *, explicit: bool = True) -> Relation:
    """Of latencies by the node's clock."""
    video, audio = round(video_ms * MS), round(audio_ms * MS)
    return Relation(video, audio, video - audio, explicit)


@pytest.mark.parametrize(
    ("video", "audio", "one_clock"),
    [
        (30, 5, True),
        (1200, 5, True),  # a late camera
        (2000, 0, True),
        (2200, 0, False),  # later than believed
        (0, -700, False),  # of the future
        (-700, 0, False),
        (-50, 0, True),  # clocks tremble
        (-50, -80, True),
        (-100, 0, False),
        (-700, -650, True),  # of one clock that is ahead of the node's
        (-700, -2500, False),
        (3000, 3500, True),  # of one clock that is behind the node's
        (3000, 7000, False),
        (DECADE, DECADE + 1200, True),  # a recording
        (DECADE, DECADE + 3000, False),
        (DECADE, 20, False),
        (-DECADE, 20, False),
    ],
)
def test_what_may_be_of_one_clock(video, audio, one_clock):
    assert are_of_one_clock(relation(video, audio), 2000 * MS) is one_clock
    assert are_of_one_clock(relation(audio, video), 2000 * MS) is one_clock


@pytest.mark.parametrize(
    ("video", "audio", "reference"),
    [
        (30, DECADE, Modality.VIDEO),
        (DECADE, 30, Modality.AUDIO),
        (30, -700, Modality.VIDEO),
        (-700, 30, Modality.AUDIO),
        (4000, 9000, Modality.VIDEO),
        (9000, 4000, Modality.AUDIO),
    ],
)
def test_the_sensor_on_the_nodes_clock_defines_stamps(video, audio, reference):
    assert reference_of(relation(video, audio), 2000 * MS) is reference


def test_the_microphone_defines_stamps_where_the_nodes_clock_is_not_known():
    boot = relation(10, DECADE, explicit=False)
    assert reference_of(boot, 2000 * MS) is Modality.AUDIO
