import numpy as np

from roma_ros.units import NS_PER_SECOND, AssemblerStats, ImageError, RgbFrame, VideoFill
from roma_ros.units.video_timeline import VideoTimeline

MS = NS_PER_SECOND // 1000
START = 1_700_000_000 * NS_PER_SECOND


class Picture:
    """A frame that counts how often it is decoded, and fails if it is corrupt."""

    def __init__(self, at_ms: int, *, corrupt: bool = False, size: tuple[int, int] = (4, 6)):
        self.stamp = START + at_ms * MS
        self.corrupt = corrupt
        self.size = size
        self.decoded = 0

    @property
    def value(self) -> int:
        return (self.stamp - START) // MS % 251 + 1

    def decode(self) -> np.ndarray:
        self.decoded += 1
        if self.corrupt:
            raise ImageError("corrupt on purpose")
        return np.full((*self.size, 3), self.value, np.uint8)


def line_of(*pictures: Picture) -> tuple[VideoTimeline, AssemblerStats]:
    stats = AssemblerStats()
    line = VideoTimeline(hold=2 * NS_PER_SECOND, lateness=150 * MS, stats=stats)
    for picture in pictures:
        line.add(picture, START)
    return line, stats


def shown(line: VideoTimeline, unit: int) -> tuple[list[int], VideoFill]:
    frames, fill = line.read(START + unit * NS_PER_SECOND)
    assert frames.shape[0] == 2
    return [int(frame[0, 0, 0]) for frame in frames], fill


def test_only_two_of_thirty_frames_are_decoded():
    pictures = [Picture(index * 1000 // 30) for index in range(45)]
    line, _ = line_of(*pictures)
    assert shown(line, 0) == ([pictures[0].value, pictures[15].value], VideoFill.NONE)
    assert [index for index, picture in enumerate(pictures) if picture.decoded] == [0, 15]


def test_a_frame_just_before_the_unit_is_nearer_than_one_well_within():
    early, late = Picture(-5), Picture(28)
    line, _ = line_of(early, late, Picture(500))
    assert shown(line, 0)[0][0] == early.value


def test_the_last_frame_is_held_then_black():
    last = Picture(967)
    line, _ = line_of(Picture(500), last)
    assert shown(line, 1) == ([last.value] * 2, VideoFill.HELD)
    assert shown(line, 2) == ([last.value] * 2, VideoFill.HELD)
    line.forget(START + 3 * NS_PER_SECOND)
    assert shown(line, 3) == ([0, 0], VideoFill.BLACK)
    assert line.read(START + 3 * NS_PER_SECOND)[0].shape == (2, 4, 6, 3)


def test_no_frame_ever_is_black():
    line, _ = line_of()
    assert shown(line, 0) == ([0, 0], VideoFill.BLACK)


def test_a_corrupt_frame_gives_way_to_the_next_nearest():
    bad, spare = Picture(500, corrupt=True), Picture(533)
    line, stats = line_of(Picture(0), Picture(400), bad, spare)
    assert shown(line, 0) == ([Picture(0).value, spare.value], VideoFill.NONE)
    assert (stats.frames_bad, bad.decoded) == (1, 1)
    assert stats.last_error == "corrupt on purpose"


def test_all_corrupt_holds_the_last_good_frame():
    line, stats = line_of(Picture(0), Picture(500))
    shown(line, 0)
    for at_ms in range(1000, 2000, 100):
        line.add(Picture(at_ms, corrupt=True), START + NS_PER_SECOND)
    assert shown(line, 1) == ([Picture(500).value] * 2, VideoFill.HELD)
    assert stats.frames_bad > 0


def test_frames_of_another_size_get_the_newer_one():
    line, _ = line_of(Picture(0, size=(8, 12)), Picture(500, size=(4, 6)))
    frames, _ = line.read(START)
    assert frames.shape == (2, 4, 6, 3)
    assert [int(frame[0, 0, 0]) for frame in frames] == [1, Picture(500).value]


def test_settled_when_no_frame_in_time_can_be_nearer():
    line, _ = line_of(Picture(0), Picture(467), Picture(500), Picture(633))
    assert not line.is_settled(START)  # one of +0.49 s may come yet
    line.add(Picture(650), START)
    assert line.is_settled(START)
    slow, _ = line_of(Picture(100), Picture(1049))
    assert not slow.is_settled(START)


def test_few_frames_are_kept_however_many_come():
    line, _ = line_of()
    for index in range(2400):
        line.add(Picture(index), START)
        assert len(line) <= 2 + 2 * 2 * (1 + index // 1000)


def test_one_frame_for_each_stamp():
    line, stats = line_of(Picture(0), Picture(0))
    assert (len(line), stats.frames_duplicate) == (1, 1)


def test_decoded_pictures_are_taken_as_they_are():
    stats = AssemblerStats()
    line = VideoTimeline(hold=0, lateness=0, stats=stats)
    line.add(RgbFrame(START, np.full((2, 2, 3), 9, np.uint8)), START)
    assert shown(line, 0) == ([9, 9], VideoFill.NONE)
