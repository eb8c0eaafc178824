"""The assembler as a whole, with a 30 Hz camera and a microphone as they come live."""

from collections.abc import Iterable, Iterator

import numpy as np
import pytest

from roma_ros.units import (
    NS_PER_SECOND,
    UNIT_RATE,
    AssemblerConfig,
    AudioChunk,
    Frame,
    ImageError,
    Modality,
    ModalityError,
    MultimodalUnit,
    RawFrame,
    RgbFrame,
    StampError,
    UnitAssembler,
    VideoFill,
)

MS = NS_PER_SECOND // 1000
START = 1_700_000_000 * NS_PER_SECOND
RATE = 16000

Item = Frame | AudioChunk


def camera(first: float, last: float, *, rate: float = 30, origin: int = START) -> list[RgbFrame]:
    """Frames from second `first` to `last`, the number of each painted on it."""
    return [
        RgbFrame(
            origin + round(number / rate * NS_PER_SECOND),
            np.full((2, 3, 3), number % 251, np.uint8),
        )
        for number in range(round(first * rate), round(last * rate))
    ]


def sound(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(0, 0.1, round(seconds * RATE)).astype(np.float32)


def microphone(
    first: float, last: float, *, piece: float = 0.02, origin: int = START
) -> list[AudioChunk]:
    """Pieces of `sound` from second `first` to `last`."""
    signal = sound(last)
    size = round(piece * RATE)
    return [
        AudioChunk(origin + at * NS_PER_SECOND // RATE, RATE, signal[at : at + size])
        for at in range(round(first * RATE), len(signal), size)
    ]


def arrival(item: Item) -> int:
    return item.end if isinstance(item, AudioChunk) else item.stamp


def live(*streams: Iterable[Item]) -> list[Item]:
    """Items in the order in which they come: a piece of audio when its last sample is there."""
    return sorted((item for stream in streams for item in stream), key=arrival)


def closings(
    assembler: UnitAssembler, items: Iterable[Item]
) -> Iterator[tuple[Item, MultimodalUnit]]:
    """Units with the item that closed each."""
    for item in items:
        assembler.add(item)
        for unit in assembler.units():
            yield item, unit


def run(assembler: UnitAssembler, items: Iterable[Item]) -> list[MultimodalUnit]:
    return [unit for _, unit in closings(assembler, items)]


def seen(unit: MultimodalUnit) -> list[int]:
    """The numbers of its two frames."""
    assert unit.frames is not None
    return [int(frame[0, 0, 0]) for frame in unit.frames]


def heard(*units: MultimodalUnit) -> np.ndarray:
    return np.concatenate([unit.audio for unit in units if unit.audio is not None])


def places(units: Iterable[MultimodalUnit]) -> list[tuple[int, int]]:
    return [(unit.stream, unit.index) for unit in units]


def test_units_of_a_whole_stream():
    assembler = UnitAssembler()
    units = run(assembler, live(camera(0, 3.2), microphone(0, 3.2)))
    assert places(units) == [(0, 0), (0, 1), (0, 2)]
    for index, unit in enumerate(units):
        assert unit.start == START + index * NS_PER_SECOND
        np.testing.assert_array_equal(unit.audio, sound(4)[index * RATE : (index + 1) * RATE])
        assert seen(unit) == [30 * index, 30 * index + 15]
        assert (unit.video_fill, unit.audio_filled) == (VideoFill.NONE, 0)
        assert abs(unit.skew) < 0.06
    stats = assembler.stats
    assert (stats.units, stats.frames_in, stats.audio_in) == (3, 96, 160)
    assert stats.frames_late + stats.audio_late + stats.stamps_bad + stats.new_streams == 0


@pytest.mark.parametrize("piece", [0.005, 0.01, 0.02, 0.05])
def test_a_unit_closes_soon_after_its_end(piece):
    """Not after the lateness: with the first piece that lets the resampler see 11 ms further."""
    items = live(camera(0, 5.2), microphone(0, 5.2, piece=piece))
    for item, unit in closings(UnitAssembler(), items):
        assert arrival(item) - unit.end <= 11 * MS + piece * NS_PER_SECOND


@pytest.mark.parametrize("jitter_ms", [1, 3, 5])
def test_a_unit_closes_soon_with_jittered_stamps(jitter_ms):
    rng = np.random.default_rng(0)
    trembling = [
        AudioChunk(p.stamp + int(rng.integers(-jitter_ms * MS, jitter_ms * MS)), RATE, p.samples)
        for p in microphone(0, 12.2)
    ]
    assembler = UnitAssembler()
    pairs = list(closings(assembler, live(camera(0, 12.2), trembling)))
    assert len(pairs) == 12
    assert max(arrival(item) - unit.end for item, unit in pairs[2:]) <= 60 * MS
    assert assembler.stats.audio_gaps + assembler.stats.audio_overlap == 0


def test_one_modality_alone():
    units = run(UnitAssembler(AssemblerConfig(audio=False)), camera(0, 3.1))
    assert [(unit.audio, unit.audio_filled) for unit in units] == [(None, 0)] * 3
    units = run(UnitAssembler(AssemblerConfig(video=False)), microphone(0, 3.1))
    assert [(unit.frames, unit.video_fill) for unit in units] == [(None, VideoFill.NONE)] * 3
    np.testing.assert_array_equal(heard(*units), sound(3))


def test_a_modality_that_is_not_expected_is_refused():
    with pytest.raises(ModalityError, match="audio=False"):
        UnitAssembler(AssemblerConfig(audio=False)).add(microphone(0, 1)[0])
    with pytest.raises(ModalityError, match="video=False"):
        UnitAssembler(AssemblerConfig(video=False)).add(camera(0, 1)[0])


def test_missing_audio_is_silence_after_the_lateness():
    assembler = UnitAssembler()
    items = live(camera(0, 4.3), microphone(0, 1.4))
    pairs = list(closings(assembler, items))
    assert [unit.audio_filled for _, unit in pairs] == [0, 9600, UNIT_RATE, UNIT_RATE]
    assert not heard(pairs[2][1]).any()
    np.testing.assert_array_equal(heard(pairs[1][1])[:6400], sound(4)[16000:22400])
    for item, unit in pairs[1:]:
        assert 150 * MS <= item.stamp - unit.end <= 220 * MS
    assert assembler.stats.units_audio_filled == 3


def test_missing_video_is_held_then_black():
    assembler = UnitAssembler()
    units = run(assembler, live(camera(0, 1.5), microphone(0, 6.3)))
    fills = [unit.video_fill for unit in units]
    assert fills == [VideoFill.NONE] * 2 + [VideoFill.HELD] * 2 + [VideoFill.BLACK] * 2
    assert [seen(unit)[0] for unit in units] == [0, 30, 44, 44, 0, 0]
    assert assembler.stats.units_video_filled == 4


def test_a_modality_that_never_came():
    units = run(UnitAssembler(), microphone(0, 3.3))
    assert [unit.video_fill for unit in units] == [VideoFill.BLACK] * 3
    units = run(UnitAssembler(), camera(0, 3.3))
    assert [unit.audio_filled for unit in units] == [UNIT_RATE] * 3


def test_both_missing_stalls_and_a_short_gap_is_filled():
    assembler = UnitAssembler()
    assert len(run(assembler, live(camera(0, 1.3), microphone(0, 1.3)))) == 1
    assert assembler.units() == []
    after = run(assembler, live(camera(4.5, 6.2), microphone(4.5, 6.2)))
    assert places(after) == [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]
    assert [unit.audio_filled for unit in after] == [11200, UNIT_RATE, UNIT_RATE, 8000, 0]
    np.testing.assert_array_equal(after[-1].audio, sound(7)[5 * RATE : 6 * RATE])


def test_beyond_the_lateness_is_dropped_and_counted():
    assembler = UnitAssembler()
    units = run(assembler, live(camera(0, 1.9), microphone(0, 1.9)))
    assembler.add(RgbFrame(START + 1650 * MS, np.zeros((2, 3, 3), np.uint8)))
    late = microphone(1.62, 1.64)[0]
    assembler.add(late)
    assert (assembler.stats.frames_late, assembler.stats.audio_late) == (1, 1)
    units += run(assembler, live(camera(1.9, 3.2), microphone(1.9, 3.2)))
    np.testing.assert_array_equal(heard(*units), sound(3))


def test_audio_that_is_always_far_behind_loses_the_ends_and_says_so():
    assembler = UnitAssembler()
    behind = [(piece.end + 400 * MS, piece) for piece in microphone(0, 4)]
    ahead = [(frame.stamp, frame) for frame in camera(0, 4)]
    arrivals: list[tuple[int, Item]] = [*behind, *ahead]
    items = [item for _, item in sorted(arrivals, key=lambda pair: pair[0])]
    units = run(assembler, items)
    assert places(units) == [(0, 0), (0, 1), (0, 2)]
    assert all(0 < unit.audio_filled < UNIT_RATE // 2 for unit in units)
    assert all(unit.skew < -0.3 for unit in units)
    assert assembler.stats.audio_late > 0
    assert assembler.stats.new_streams == 0


def test_a_clock_that_jumps_back_starts_a_new_stream():
    assembler = UnitAssembler()
    first = live(camera(0, 2.3), microphone(0, 2.3))
    second = live(
        camera(0, 2.3, origin=START - 60 * NS_PER_SECOND),
        microphone(0, 2.3, origin=START - 60 * NS_PER_SECOND),
    )
    # The other sensor's last items come after the jump.
    items = [*first[:-2], *second[:2], *first[-2:], *second[2:]]
    units = run(assembler, items)
    assert places(units) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    np.testing.assert_array_equal(units[3].audio, sound(1))
    assert units[3].start == START - 60 * NS_PER_SECOND
    assert (assembler.stats.new_streams, assembler.stats.stamps_bad) == (1, 0)
    assert assembler.stats.frames_late + assembler.stats.audio_late == 2


def test_a_gap_too_long_to_fill_starts_a_new_stream():
    assembler = UnitAssembler()
    units = run(
        assembler,
        live(camera(0, 2.3), microphone(0, 2.3), camera(60, 62.3), microphone(60, 62.3)),
    )
    assert places(units) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert units[3].start == START + 60 * NS_PER_SECOND
    assert units[2].audio_filled == pytest.approx(0.7 * UNIT_RATE, abs=1)
    assert assembler.stats.new_streams == 1


@pytest.mark.parametrize("wild", [-100.0, -1.0, 0.8, 3.0, 1000.0])
def test_one_wild_stamp_loses_nothing_else(wild):
    items = live(camera(0, 3.2), microphone(0, 3.2))
    stray = RgbFrame(START + round((1.5 + wild) * NS_PER_SECOND), np.zeros((2, 3, 3), np.uint8))
    assembler = UnitAssembler()
    units = run(assembler, [*items[:120], stray, *items[120:]])
    assert places(units) == [(0, 0), (0, 1), (0, 2)]
    np.testing.assert_array_equal(heard(*units), sound(3))
    assert (assembler.stats.stamps_bad, assembler.stats.new_streams) == (1, 0)


def test_a_camera_slower_than_any_doubt():
    assembler = UnitAssembler(AssemblerConfig(audio=False))
    units = run(assembler, camera(0, 20, rate=1)) + assembler.flush()
    assert [seen(unit)[0] for unit in units] == list(range(19))
    assert assembler.stats.stamps_bad == 0


def test_stamps_of_zero_are_refused_and_the_rest_goes_on():
    assembler = UnitAssembler()
    items = live(camera(0, 2.2), microphone(0, 2.2))
    units = run(assembler, items[:50])
    with pytest.raises(StampError, match=r"header\.stamp"):
        assembler.add(RgbFrame(0, np.zeros((2, 3, 3), np.uint8)))
    with pytest.raises(StampError, match="audio stamp is 0"):
        assembler.add(AudioChunk(0, RATE, np.zeros(320, np.float32)))
    units += run(assembler, items[50:])
    assert places(units) == [(0, 0), (0, 1)]
    assert assembler.stats.stamps_bad == 2


def test_a_stream_may_start_at_zero():
    units = run(UnitAssembler(), live(camera(0, 2.1, origin=0), microphone(0, 2.1, origin=0)))
    assert [unit.start for unit in units] == [0, NS_PER_SECOND]


def test_corrupt_frames_are_counted_and_the_next_nearest_shown():
    assembler = UnitAssembler()
    good = camera(0, 2.2)
    frames: list[Frame] = [
        RawFrame(frame.stamp, 2, 3, "rgb8", 9, b"cut off") if number % 15 == 0 else frame
        for number, frame in enumerate(good)
    ]
    units = run(assembler, live(frames, microphone(0, 2.2)))
    assert [number for unit in units for number in seen(unit)] == [1, 14, 29, 44]
    assert assembler.stats.frames_bad == 4
    assert "the data has 7 bytes; expected 18" in assembler.stats.last_error
    with pytest.raises(ImageError):
        frames[0].decode()


def test_the_end_of_a_file():
    assembler = UnitAssembler()
    items = live(camera(0, 2.4), microphone(0, 2.42))
    units = run(assembler, items) + assembler.flush()
    assert places(units) == [(0, 0), (0, 1), (0, 2)]
    assert units[2].audio_filled == pytest.approx(0.58 * UNIT_RATE, abs=1)
    np.testing.assert_array_equal(heard(units[2])[:6720], sound(2.42)[2 * RATE :])
    assert assembler.flush() == []
    units = run(assembler, live(camera(0, 1.2), microphone(0, 1.2))) + assembler.flush()
    assert places(units) == [(1, 0), (1, 1)]


def test_a_rest_too_short_to_say_anything_is_left_out():
    assembler = UnitAssembler()
    units = run(assembler, live(camera(0, 2), microphone(0, 2.04))) + assembler.flush()
    assert len(units) == 2


def test_reset_starts_afresh():
    assembler = UnitAssembler()
    for item in live(camera(0, 2.3), microphone(0, 2.3)):
        assembler.add(item)
    assembler.reset()
    assert assembler.units() == []
    units = run(assembler, live(camera(100, 101.2), microphone(100, 101.2)))
    assert places(units) == [(1, 0)]
    assert units[0].start == START + 100 * NS_PER_SECOND


def test_pieces_of_seconds():
    config = AssemblerConfig(video=False)
    assembler = UnitAssembler(config)
    units = run(assembler, microphone(0, 12, piece=4.0)) + assembler.flush()
    np.testing.assert_array_equal(heard(*units), sound(12))


def test_memory_is_bounded_whoever_fetches():
    assembler = UnitAssembler()
    for item in live(camera(0, 40, rate=60), microphone(0, 40)):
        assembler.add(item)
        assert len(assembler._video) <= 2 + 2 * 2 * 6
        samples = sum(len(piece) for line in assembler._audio._runs for piece in line._chunks)
        assert samples <= 6 * RATE
    units = assembler.units()
    assert len(units) >= 16
    assert assembler.stats.units_dropped + len(units) == 39
    assert places(units)[-1] == (0, 38)


def test_random_stamps_break_nothing():
    rng = np.random.default_rng(0)
    assembler = UnitAssembler()
    picture = np.zeros((2, 3, 3), np.uint8)
    piece = np.zeros(160, np.float32)
    for _ in range(3000):
        stamp = int(rng.integers(1, 100 * NS_PER_SECOND))
        assembler.add(RgbFrame(stamp, picture))
        assembler.add(AudioChunk(stamp // int(rng.integers(1, 3)), RATE, piece))
        for unit in assembler.units():
            assert len(heard(unit)) == UNIT_RATE
    assert assembler.stats.stamps_bad > 0


def test_units_do_not_wait_for_audio_that_is_absent():
    """They close with the frame that settles them, as without a microphone, and are flagged."""
    assembler = UnitAssembler()
    run(assembler, live(camera(0, 2.5), microphone(0, 2.5)))
    assembler.set_absent([Modality.AUDIO])
    closed = list(closings(assembler, camera(2.5, 8)))
    units = [unit for _, unit in closed]
    assert places(units) == [(0, index) for index in range(2, 7)]
    assert [unit.audio_filled for unit in units] == [RATE // 2, *[RATE] * 4]
    assert not heard(*units[1:]).any()
    assert seen(units[-1]) == [180, 195]
    alone = UnitAssembler(AssemblerConfig(audio=False))
    assert [item.stamp for item, _ in closed] == [
        item.stamp for item, unit in closings(alone, camera(0, 8)) if unit.index >= 2
    ]


def test_frames_of_an_absent_camera_are_black_at_once_and_units_wait_for_none():
    assembler = UnitAssembler()
    run(assembler, live(camera(0, 2.5), microphone(0, 2.5)))
    assembler.set_absent([Modality.VIDEO])
    closed = list(closings(assembler, microphone(2.5, 6)))
    units = [unit for _, unit in closed]
    assert places(units) == [(0, 2), (0, 3), (0, 4)]
    assert [unit.video_fill for unit in units] == [
        VideoFill.NONE,
        VideoFill.BLACK,
        VideoFill.BLACK,
    ]
    assert seen(units[0]) == [60, 74]
    assert seen(units[1]) == [0, 0]
    assert all(arrival(item) - unit.end <= 40 * MS for item, unit in closed)


def test_what_was_absent_is_part_of_the_same_stream_when_it_comes_again():
    assembler = UnitAssembler()
    run(assembler, live(camera(0, 2.5), microphone(0, 2.5)))
    assembler.set_absent([Modality.AUDIO])
    run(assembler, camera(2.5, 12.1))
    assembler.set_absent([])
    units = run(assembler, live(camera(12.1, 15.1), microphone(12.1, 15.1)))
    assert places(units) == [(0, 12), (0, 13), (0, 14)]
    assert units[0].audio_filled == RATE // 10
    assert units[1].audio_filled == units[2].audio_filled == 0
    np.testing.assert_array_equal(units[1].audio, sound(15.1)[13 * RATE : 14 * RATE])


def test_nothing_closes_while_all_is_absent_and_a_reset_keeps_it():
    assembler = UnitAssembler()
    run(assembler, live(camera(0, 2.5), microphone(0, 2.5)))
    assembler.set_absent([Modality.AUDIO, Modality.VIDEO])
    assert assembler.units() == []
    assembler.reset()
    assembler.set_absent([Modality.AUDIO])
    assembler.reset()
    assert places(run(assembler, camera(0, 2.2))) == [(1, 0), (1, 1)]
