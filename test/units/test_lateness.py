from roma_ros.units.lateness import MARGIN, Lateness, RecentMaximum
from roma_ros.units.stream_clock import Modality

VIDEO, AUDIO = Modality.VIDEO, Modality.AUDIO
MS = 1_000_000
SECOND = 1000 * MS


def test_the_maximum_of_the_last_half_minute():
    recent = RecentMaximum()
    assert recent.value == 0
    seen = []
    for second, value in ((0, 5), (1, 9), (2, 3), (29, 1), (31.5, 1), (33, 2), (64, 0)):
        recent.add(int(second * SECOND), value)
        seen.append(recent.value)
    assert seen == [5, 9, 9, 9, 3, 2, 0]
    assert len(recent._values) == 1


def test_a_fixed_lateness_is_that_of_everything():
    lateness = Lateness(200 * MS, 2 * SECOND)
    lateness.observe(AUDIO, stamp=0, end=5 * SECOND, newest=9 * SECOND, own=None)
    assert lateness.wait(AUDIO) == lateness.wait(VIDEO, 0) == lateness.reorder(AUDIO) == 200 * MS


def test_it_follows_what_arrives_and_counts_the_length_of_a_chunk():
    lateness = Lateness(None, 2 * SECOND)
    assert lateness.wait(AUDIO, 0) == MARGIN
    lateness.observe(AUDIO, stamp=10 * SECOND, end=11 * SECOND, newest=11_400 * MS, own=None)
    assert lateness.wait(AUDIO, 0) == 1400 * MS + MARGIN
    assert lateness.wait(VIDEO, 0) == MARGIN, "the other is not late"


def test_latency_is_waited_for_up_to_a_maximum_and_length_beyond_it():
    for maximum in (2 * SECOND, 4 * SECOND):
        lateness = Lateness(None, maximum)
        lateness.observe(AUDIO, stamp=0, end=5 * SECOND, newest=15 * SECOND, own=None)
        assert lateness.wait(AUDIO, 0) == maximum + 5 * SECOND + MARGIN


def test_what_has_stopped_is_not_waited_for():
    lateness = Lateness(None, 2 * SECOND)
    lateness.observe(VIDEO, stamp=10 * SECOND, end=10 * SECOND, newest=11 * SECOND, own=None)
    assert lateness.wait(VIDEO, 1 * SECOND) == 1 * SECOND + MARGIN
    assert lateness.wait(VIDEO, 5 * SECOND) == MARGIN


def test_disorder_is_not_latency():
    lateness = Lateness(None, 2 * SECOND)
    lateness.observe(VIDEO, stamp=10 * SECOND, end=10 * SECOND, newest=11 * SECOND, own=9 * SECOND)
    assert lateness.reorder(VIDEO) == MARGIN
    lateness.observe(VIDEO, stamp=9700 * MS, end=9700 * MS, newest=11 * SECOND, own=10 * SECOND)
    assert lateness.reorder(VIDEO) == MARGIN + 300 * MS


def test_a_new_stream_forgets_and_a_change_does_not():
    lateness = Lateness(None, 2 * SECOND)
    lateness.observe(VIDEO, stamp=10 * SECOND, end=10 * SECOND, newest=11 * SECOND, own=None)
    lateness.configure(0, 2 * SECOND)
    assert lateness.wait(VIDEO, 0) == 0
    lateness.configure(None, 2 * SECOND)
    assert lateness.wait(VIDEO, 0) == 1 * SECOND + MARGIN
    lateness.restart()
    assert lateness.wait(VIDEO, 0) == MARGIN


def test_a_new_stream_knows_how_long_chunks_are():
    lateness = Lateness(None, 2 * SECOND)
    lateness.observe(AUDIO, stamp=0, end=5 * SECOND, newest=6 * SECOND, own=None)
    lateness.restart()
    assert lateness.wait(AUDIO, 4 * SECOND) == 5 * SECOND + MARGIN
    lateness.observe(AUDIO, stamp=0, end=SECOND, newest=SECOND, own=None)
    lateness.restart()
    assert lateness.wait(AUDIO, 0) == SECOND + MARGIN
