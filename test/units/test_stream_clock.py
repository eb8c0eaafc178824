import pytest

from roma_ros.units import StampError
from roma_ros.units.stream_clock import Modality, StampVerdict, StreamClock

VIDEO, AUDIO = Modality.VIDEO, Modality.AUDIO


def clock_at(*stamps: int, modality: Modality = VIDEO) -> StreamClock:
    clock = StreamClock(lateness=150, max_backward=500, max_gap=5000, unconfirmed_step=700)
    for stamp in stamps:
        clock.accept(modality, stamp, stamp)
    return clock


@pytest.mark.parametrize(
    ("modality", "stamp", "arrival"),
    [
        (VIDEO, 10_001, StampVerdict.IN_TIME),
        (VIDEO, 9_850, StampVerdict.IN_TIME),
        (VIDEO, 9_849, StampVerdict.LATE),
        (VIDEO, 9_500, StampVerdict.LATE),
        (VIDEO, 9_499, StampVerdict.JUMP),
        (VIDEO, 10_700, StampVerdict.IN_TIME),
        (VIDEO, 10_701, StampVerdict.JUMP),
        (AUDIO, 5_000, StampVerdict.IN_TIME),  # the first audio may be well behind the video
        (AUDIO, 4_999, StampVerdict.JUMP),
    ],
)
def test_judgement(modality, stamp, arrival):
    assert clock_at(10_000).judge(modality, stamp) is arrival


def test_a_modality_is_late_against_itself_only():
    clock = clock_at(10_000)
    clock.accept(AUDIO, 9_000, 9_010)
    clock.accept(VIDEO, 10_500, 10_500)
    assert clock.judge(AUDIO, 9_010) is StampVerdict.IN_TIME


def test_a_long_piece_reaches_further_than_its_stamp():
    clock = clock_at()
    clock.accept(AUDIO, 10_000, 15_000)
    assert clock.judge(AUDIO, 15_000) is StampVerdict.IN_TIME
    assert (clock.newest, clock.reach) == (10_000, 15_000)


def test_the_start_is_the_earliest_of_the_first_items():
    clock = clock_at(10_000, 10_100)
    clock.accept(AUDIO, 9_970, 9_990)
    assert (clock.start, clock.started) == (9_970, False)
    clock.accept(VIDEO, 10_130, 10_130)
    assert clock.started
    clock.accept(AUDIO, 9_960, 9_970)
    assert clock.start == 9_970


def test_a_short_gap_is_of_the_same_stream():
    clock = clock_at(10_000)
    gaps = [9_999, 10_000, 15_000, 15_001]
    assert [clock.is_short_gap(stamp) for stamp in gaps] == [False, True, True, False]


def test_skew_is_how_far_the_audio_is_ahead():
    clock = clock_at(10**9)
    assert clock.skew == 0.0
    clock.accept(AUDIO, 10**9, 3 * 10**9)
    assert clock.skew == 2.0


def test_a_clock_may_start_at_zero_but_not_fall_to_it():
    assert clock_at().judge(VIDEO, 0) is StampVerdict.IN_TIME
    assert clock_at(0).judge(AUDIO, 0) is StampVerdict.IN_TIME
    with pytest.raises(StampError, match=r"video stamp is 0.*header\.stamp"):
        clock_at(0).judge(VIDEO, 0)
    with pytest.raises(StampError, match="audio stamp is 0"):
        clock_at(10_000).judge(AUDIO, 0)
    with pytest.raises(StampError, match="-1 ns"):
        clock_at().judge(VIDEO, -1)
