"""Two sensors whose stamps disagree, jump, stand still or are missing: nothing of them is lost."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sensor_pair import EPOCH, Arriving, SensorPair, as_in_node, measure, ns, skew_of

from roma_ros.units import (
    NS_PER_SECOND,
    AssemblerConfig,
    AudioChunk,
    Modality,
    MultimodalUnit,
    RgbFrame,
    UnitAssembler,
    VideoFill,
)

DECADE = 315_576_000.0
SINCE_BOOT = 5_000.0 - 1_700_000_000.0
SHORT = SensorPair(seconds=14.0)
Restamp = Callable[[Arriving], int]


def add(assembler: UnitAssembler, arriving: Arriving, clock: int | None = None) -> None:
    known = {"arrival": arriving.arrival, "clock": arriving.clock if clock is None else clock}
    assembler.add(arriving.item, **known)


def run(assembler: UnitAssembler, items: Iterable[Arriving]) -> list[MultimodalUnit]:
    units: list[MultimodalUnit] = []
    for arriving in items:
        add(assembler, arriving)
        units += assembler.units()
    return units


def restamped(pair: SensorPair, stamp: Restamp, *kinds: type) -> list[Arriving]:
    """Items with other stamps; of some kinds, by default of both."""
    return [
        replace(arriving, item=replace(arriving.item, stamp=stamp(arriving)))
        if isinstance(arriving.item, kinds or (RgbFrame, AudioChunk))
        else arriving
        for arriving in pair.arriving()
    ]


def is_whole(unit: MultimodalUnit) -> bool:
    return unit.video_fill is VideoFill.NONE and not unit.audio_filled


def status(assembler: UnitAssembler, modality: Modality):
    (found,) = (s for s in assembler.sensor_clocks() if s.modality is modality)
    return found


def test_honest_stamps_are_left_as_they_are_to_the_sample():
    pair = SensorPair(seconds=8.0, camera_latency=0.08, microphone_latency=0.03)
    with_arrival, without = as_in_node(), UnitAssembler()
    aligned = run(with_arrival, pair.arriving())
    plain = []
    for arriving in pair.arriving():
        without.add(arriving.item)
        plain += without.units()
    assert len(aligned) == len(plain) == 7
    for one, other in zip(aligned, plain, strict=True):
        assert (one.stream, one.index, one.start) == (other.stream, other.index, other.start)
        np.testing.assert_array_equal(one.frames, other.frames)
        np.testing.assert_array_equal(one.audio, other.audio)
    assert with_arrival.notices() == []
    assert with_arrival.stats.realigned == 0


def test_an_honest_camera_that_is_late_is_waited_for_and_not_shifted():
    """1.2 s late: 75 % of its units were filled."""
    assembler = as_in_node()
    outcome = measure(SensorPair(camera_latency=1.2, seconds=20.0), assembler, settled=3.0)
    assert outcome.whole
    assert abs(outcome.skew) <= 0.02
    assert status(assembler, Modality.VIDEO).offset == 0
    assert not status(assembler, Modality.VIDEO).by_arrival
    assert status(assembler, Modality.VIDEO).latency == pytest.approx(1.2, abs=0.01)
    assert 1.2 <= status(assembler, Modality.VIDEO).lateness <= 1.4
    assert assembler.stats.realigned == 0


@pytest.mark.parametrize("first", ["camera", "microphone"])
@pytest.mark.parametrize("sensor", ["camera", "microphone"])
@pytest.mark.parametrize("offset", [-5.0, -2.5, 0.7, 2.5, 5.0, -DECADE, DECADE, SINCE_BOOT])
def test_a_wrong_offset_is_aligned_by_arrival_whoever_is_first(sensor, offset, first):
    """Each lost between 52 and 100 % of a sensor, and which one depended on the first."""
    later = {"camera_from": 0.5} if first == "microphone" else {"microphone_from": 0.5}
    assembler = as_in_node()
    pair = replace(SHORT, **{f"{sensor}_offset": offset}, **later)
    outcome = measure(pair, assembler, settled=4.0)
    assert outcome.whole, outcome
    assert abs(outcome.skew) <= 0.03
    assert outcome.lost == 0
    assert outcome.delay <= 0.06, "it adds no delay that is not needed"
    assert assembler.stats.realigned == 1
    modality = Modality.VIDEO if sensor == "camera" else Modality.AUDIO
    assert status(assembler, modality).by_arrival
    assert status(assembler, modality).offset == pytest.approx(-offset, abs=0.05)
    assert bool(status(assembler, modality).fault) == (abs(offset) > 60)
    said = [notice for notice in assembler.notices() if f"the {sensor}'s stamps" in notice]
    assert len(said) == 1, "said once"
    assert "aligned by the time" in said[0]
    if offset == -2.5:
        assert "2.5" in said[0]
        assert "behind" in said[0]


def test_units_are_stamped_by_the_sensor_that_is_on_the_nodes_clock():
    pair = replace(SHORT, microphone_offset=SINCE_BOOT)
    units = run(as_in_node(), pair.arriving())
    assert all(EPOCH <= unit.start <= EPOCH + ns(14) for unit in units)
    pair = replace(SHORT, camera_offset=SINCE_BOOT)
    units = run(as_in_node(), pair.arriving())
    assert all(EPOCH <= unit.start <= EPOCH + ns(14) for unit in units[1:])


@pytest.mark.parametrize("offset", [0.0, 0.02, 0.7, 3.0, DECADE])
def test_units_are_never_of_the_future(offset):
    """Of sensors that share a clock which is ahead of the node's, and of a pair that does not."""
    for pair in (
        replace(SHORT, camera_offset=offset, microphone_offset=offset),
        replace(SHORT, camera_offset=offset),
    ):
        assembler = as_in_node()
        number = 0
        for arriving in pair.arriving():
            add(assembler, arriving)
            for unit in assembler.units():
                assert unit.end <= arriving.clock
                number += 1
        assert number >= 12


def test_a_shared_clock_that_is_ahead_is_said_once_and_nothing_is_shifted():
    pair = replace(SHORT, camera_offset=0.7, microphone_offset=0.7)
    assembler = as_in_node()
    units = run(assembler, pair.arriving())
    assert all(is_whole(unit) for unit in units)
    (notice,) = assembler.notices()
    assert "0.7" in notice
    assert "ahead of this node's clock" in notice
    assert assembler.stats.realigned == 0
    assert {b.start - a.start for a, b in pairwise(units[2:])} == {NS_PER_SECOND}


@pytest.mark.parametrize("kind", [RgbFrame, AudioChunk])
@pytest.mark.parametrize("frozen_at", [0, EPOCH + ns(2), ns(1)])
def test_stamps_that_stand_still_are_replaced_by_arrival(kind, frozen_at):
    assembler = as_in_node()
    items = restamped(SHORT, lambda arriving: frozen_at, kind)
    units = [unit for unit in run(assembler, items) if unit.end > EPOCH + ns(4)]
    assert len(units) >= 8
    assert all(is_whole(unit) for unit in units)
    assert max(abs(skew_of(unit)) for unit in units) <= 0.04
    modality = Modality.VIDEO if kind is RgbFrame else Modality.AUDIO
    wrong = status(assembler, modality)
    assert wrong.by_arrival
    assert ("zero" if frozen_at == 0 else "stand still") in wrong.fault
    why = "zero" if frozen_at == 0 else "stand still"
    assert sum(why in notice for notice in assembler.notices()) == 1, "said once"


def test_stamps_that_were_frozen_are_used_again_when_they_go_on():
    assembler = as_in_node()
    pair = replace(SHORT, seconds=20.0)

    def stamp(arriving: Arriving) -> int:
        frozen = ns(3) < arriving.time < ns(8)
        return EPOCH + ns(3) if frozen else arriving.item.stamp

    units = run(assembler, restamped(pair, stamp, RgbFrame))
    assert all(is_whole(unit) for unit in units if unit.end > EPOCH + ns(15))
    assert status(assembler, Modality.VIDEO).fault == ""
    notices = assembler.notices()
    assert any("stand still" in notice for notice in notices)
    assert any("advance with time again" in notice for notice in notices)


def test_stamps_at_a_thousandth_of_the_rate_are_not_used():
    """Milliseconds that were taken for microseconds."""
    assembler = as_in_node()
    items = restamped(
        replace(SHORT, seconds=30.0), lambda arriving: EPOCH + arriving.time // 1000, RgbFrame
    )
    units = [unit for unit in run(assembler, items) if unit.end > EPOCH + ns(20)]
    assert len(units) >= 8
    assert all(is_whole(unit) for unit in units)
    assert "do not advance with time" in status(assembler, Modality.VIDEO).fault


def test_stamps_that_begin_again_every_second_are_not_used():
    """The nanoseconds without the seconds."""
    assembler = as_in_node()
    items = restamped(
        replace(SHORT, seconds=25.0),
        lambda arriving: 1 + arriving.item.stamp % NS_PER_SECOND,
        RgbFrame,
    )
    units = [unit for unit in run(assembler, items) if unit.end > EPOCH + ns(15)]
    assert len(units) >= 8
    assert all(is_whole(unit) for unit in units)
    assert status(assembler, Modality.VIDEO).fault


@pytest.mark.parametrize("sensor", [RgbFrame, AudioChunk])
@pytest.mark.parametrize("jump", [-60.0, -3.0, 20.0, SINCE_BOOT, DECADE])
def test_a_sensor_that_begins_anew_with_another_clock_makes_one_new_stream(sensor, jump):
    assembler = as_in_node()

    def stamp(arriving: Arriving) -> int:
        return arriving.item.stamp + ns(jump) * (arriving.time > ns(6.3))

    units = run(assembler, restamped(replace(SHORT, seconds=16.0), stamp, sensor))
    assert assembler.stats.new_streams == 1
    assert {unit.stream for unit in units} == {0, 1}
    after = [unit for unit in units if unit.stream == 1 and unit.index >= 2]
    assert len(after) >= 5
    assert all(is_whole(unit) for unit in after)
    assert max(abs(skew_of(unit)) for unit in after) <= 0.04
    said = " ".join(assembler.notices())
    assert said.count("clock has jumped by") == 1
    assert said.count("a new stream begins") == 1


@pytest.mark.parametrize("chunk", [0.02, 1.0])
@pytest.mark.parametrize("camera_offset", [0.0, SINCE_BOOT])
def test_three_laps_of_a_recording_are_three_streams(camera_offset, chunk):
    lap = SensorPair(seconds=9.0, chunk=chunk, camera_offset=camera_offset)
    assembler = as_in_node()
    units = []
    for number in range(3):
        for arriving in lap.arriving():
            later = replace(arriving, time=arriving.time + number * ns(9.2))
            add(assembler, later)
            units += assembler.units()
    assert assembler.stats.new_streams == 2
    for number in range(3):
        whole = [u for u in units if u.stream == number and is_whole(u)]
        assert len(whole) >= 6
        assert all(abs(skew_of(unit)) <= 0.03 for unit in whole if unit.index > 1)
    assert sum("a new stream begins" in notice for notice in assembler.notices()) == 2


def test_a_simulation_that_begins_again_is_one_new_stream():
    """Stamps and the node's clock both go back to zero; arrival does not."""
    assembler = as_in_node()
    units = []
    for number in range(2):
        for arriving in SensorPair(seconds=8.0).arriving():
            stamp = arriving.item.stamp - EPOCH + 1
            item = replace(arriving.item, stamp=stamp)
            later = replace(arriving, item=item, time=arriving.time + number * ns(8.5))
            clock = arriving.time - arriving.time % ns(0.05) + 1  # /clock comes at 20 Hz
            add(assembler, later, clock)
            for unit in assembler.units():
                units.append(unit)
                assert unit.stream < number or unit.end <= clock
    assert assembler.stats.new_streams == 1
    assert assembler.stats.realigned == 0
    assert [unit.index for unit in units if unit.stream == 1] == list(range(7))
    assert sum(not is_whole(unit) for unit in units) <= 1  # the last of the first run


@pytest.mark.parametrize(
    ("back", "chunk"), [(0.8, 0.02), (1.5, 0.02), (1.5, 0.1), (2.1, 0.1), (3.0, 0.1)]
)
def test_a_small_jump_back_of_both_is_one_new_stream_and_said(back, chunk):
    def stamp(arriving: Arriving) -> int:
        return arriving.item.stamp - ns(back) * (arriving.time > ns(6.3))

    assembler = as_in_node()
    pair = SensorPair(seconds=14.0, chunk=chunk)
    units = run(assembler, restamped(pair, stamp))
    assert assembler.stats.new_streams == 1
    assert len([unit for unit in units if unit.stream == 1 and is_whole(unit)]) >= 6
    assert sum("a new stream begins" in notice for notice in assembler.notices()) == 1


def test_a_pause_of_both_is_filled_if_short_and_a_new_stream_if_long():
    for pause, streams in ((2.0, 1), (20.0, 2)):
        assembler = as_in_node()
        units = []
        for arriving in SensorPair(seconds=12.0).arriving():
            late = ns(pause) * (arriving.time > ns(6))
            item = replace(arriving.item, stamp=arriving.item.stamp + late)
            add(assembler, replace(arriving, item=item, time=arriving.time + late))
            units += assembler.units()
        assert len({unit.stream for unit in units}) == streams
        assert assembler.stats.stamps_bad == 0


@pytest.mark.parametrize("wild", [-100.0, -1.0, 0.8, 3.0, 1000.0, DECADE])
@pytest.mark.parametrize("kind", [RgbFrame, AudioChunk])
def test_one_wild_stamp_loses_nothing_else(wild, kind):
    items = SensorPair(seconds=6.0).arriving()
    place, example = next(
        (n, a) for n, a in enumerate(items) if a.time > ns(2.5) and isinstance(a.item, kind)
    )
    stray = replace(example, item=replace(example.item, stamp=example.item.stamp + ns(wild)))
    assembler = as_in_node()
    units = run(assembler, [*items[:place], stray, *items[place:]])
    assert [(unit.stream, unit.index) for unit in units] == [(0, index) for index in range(5)]
    assert all(is_whole(unit) for unit in units)
    assert assembler.stats.new_streams == 0


def test_items_that_overtake_one_another_by_two_seconds_are_put_in_order():
    rng = np.random.default_rng(0)
    items = SensorPair(seconds=20.0).arriving()
    late = [replace(a, time=a.time + int(rng.uniform(0, ns(2)))) for a in items]
    assembler = as_in_node()
    units = run(assembler, sorted(late, key=lambda arriving: arriving.time))
    assert [unit.index for unit in units] == list(range(len(units)))
    settled = [unit for unit in units if unit.index >= 3]
    assert len(settled) >= 14
    assert all(is_whole(unit) for unit in settled)
    assert max(abs(skew_of(unit)) for unit in settled) <= 0.02
    assert assembler.stats.realigned == assembler.stats.new_streams == 0


def test_both_sensors_stall_for_longer_than_any_latency_and_go_on():
    items = [
        replace(a, time=max(a.time, ns(10))) if ns(6) < a.time < ns(10) else a
        for a in SensorPair(seconds=16.0).arriving()
    ]
    assembler = as_in_node()
    units = run(assembler, items)
    assert len(units) == 15
    assert all(is_whole(unit) for unit in units)
    assert assembler.notices() == []


def test_played_ten_times_as_fast_nothing_is_shifted():
    assembler = as_in_node()
    units = []
    for arriving in SensorPair(seconds=30.0, camera_latency=0.05).arriving():
        add(assembler, replace(arriving, time=arriving.time // 10), EPOCH + ns(DECADE))
        units += assembler.units()
    assert assembler.stats.realigned == assembler.stats.new_streams == 0
    assert len(units) >= 28
    assert all(is_whole(unit) for unit in units)
    assert assembler.notices() == []


def test_stamps_are_believed_and_arrival_alone_is_by_parameter():
    pair = replace(SHORT, camera_offset=-1.0)
    believing = UnitAssembler(AssemblerConfig(lateness="auto", clock_alignment="stamps"))
    assert measure(pair, believing, settled=4.0).skew == pytest.approx(-1.0, abs=0.03)
    arrival = UnitAssembler(AssemblerConfig(lateness="auto", clock_alignment="arrival"))
    outcome = measure(pair, arrival, settled=4.0)
    assert outcome.whole
    assert abs(outcome.skew) <= 0.03
    assert any("clock_alignment is arrival" in notice for notice in arrival.notices())


@pytest.mark.parametrize("sensor", ["camera", "microphone"])
def test_an_offset_into_the_past_is_believed_up_to_the_longest_latency(sensor):
    pair = replace(SHORT, **{f"{sensor}_offset": -0.7})
    for longest, skew in ((2.0, 0.7), (0.2, 0.0)):
        assembler = UnitAssembler(AssemblerConfig(max_lateness=longest))
        outcome = measure(pair, assembler, settled=4.0)
        assert outcome.whole
        assert abs(outcome.skew) == pytest.approx(skew, abs=0.03)


def test_one_sensor_alone_is_as_it_is():
    for config in (
        AssemblerConfig(lateness="auto", audio=False),
        AssemblerConfig(lateness="auto", video=False),
    ):
        assembler = UnitAssembler(config)
        kind = RgbFrame if config.video else AudioChunk
        items = [arriving for arriving in SHORT.arriving() if isinstance(arriving.item, kind)]
        units = run(assembler, items)
        assert [unit.start - EPOCH for unit in units] == [ns(n) for n in range(len(units))]
        assert len(units) >= 12
        assert len(assembler.sensor_clocks()) == 1


def test_a_drift_is_followed_and_told():
    pair = SensorPair(camera_offset=3.0, drift=400.0, seconds=150.0, chunk=0.1, frame_rate=10.0)
    assembler = as_in_node()
    outcome = measure(pair, assembler)
    assert outcome.whole
    assert abs(outcome.skew) <= 0.06
    assert status(assembler, Modality.VIDEO).drift == pytest.approx(400, abs=30)


@pytest.mark.slow
def test_clocks_that_are_believed_and_drift_apart_are_kept_together():
    """By 400 ppm, which are 0.2 s after 500 s and 35 s after a day; sound is coded for 262 s."""
    pair = SensorPair(drift=-400.0, seconds=260.0, chunk=0.5, jitter=0.02, camera_latency=0.1)
    assembler, whole, second = as_in_node(), 0, ns(260)
    for part in range(2):
        before = part * second
        for arriving in pair.arriving():
            stamp = arriving.item.stamp + before
            if isinstance(arriving.item, RgbFrame):
                stamp -= round(before * 400e-6)
            item = replace(arriving.item, stamp=stamp)
            add(assembler, replace(arriving, item=item, time=arriving.time + before))
            for unit in assembler.units():
                assert is_whole(unit)
                if part and unit.start > EPOCH + second + ns(60):
                    assert abs(skew_of(unit)) <= 0.06
                    whole += 1
    assert whole >= 150
    assert assembler.stats.new_streams == 0
    (notice,) = assembler.notices()
    found = re.search(r"drift apart by \+(\d+) ppm", notice)
    assert found
    assert int(found[1]) == pytest.approx(400, abs=10)


def test_lateness_changes_while_the_stream_goes_on():
    assembler = as_in_node()
    items = SensorPair(seconds=20.0, camera_latency=1.5).arriving()
    half = len(items) // 2
    run(assembler, items[:half])
    assert status(assembler, Modality.VIDEO).lateness >= 1.5
    assembler.set_lateness(0.05)
    assert status(assembler, Modality.VIDEO).lateness == 0.05
    assert all(unit.video_fill is not VideoFill.NONE for unit in run(assembler, items[half:])[2:])
    assembler.set_lateness("auto")
    assert status(assembler, Modality.VIDEO).lateness >= 1.5


@pytest.mark.parametrize("clock", [EPOCH, ns(5_000)])
def test_arrival_alone_is_enough_and_lateness_follows_it_unless_it_is_fixed(clock):
    """Of the stamps' epoch, where it tells what is of the future; or any other."""
    for config, whole in ((None, True), (AssemblerConfig(lateness=0.15), False)):
        assembler, units = UnitAssembler(config), []
        pair = SensorPair(seconds=16.0, camera_offset=3.0, microphone_latency=0.6)
        for arriving in pair.arriving():
            assembler.add(arriving.item, arrival=clock + arriving.time)
            units += assembler.units()
        assert assembler.stats.realigned == 1
        assert all(is_whole(unit) for unit in units[3:])
        late = UnitAssembler(config)
        outcome = measure(SensorPair(seconds=16.0, microphone_latency=0.6), late, settled=4.0)
        assert outcome.whole is whole


def test_a_sensor_that_stops_is_not_waited_for_for_long():
    pair = SensorPair(seconds=20.0, camera_latency=1.5)
    items = [a for a in pair.arriving() if isinstance(a.item, AudioChunk) or a.time < ns(8)]
    assembler = as_in_node()
    delays = []
    for arriving in items:
        add(assembler, arriving)
        delays += [(unit, arriving.clock - unit.end) for unit in assembler.units()]
    assert delays[-1][1] <= ns(0.25)
    assert max(delay for _, delay in delays) <= ns(1.8)


def test_memory_is_bounded_whatever_the_stamps():
    rng = np.random.default_rng(0)
    assembler = as_in_node()
    for number, arriving in enumerate(SensorPair(seconds=60.0).arriving()):
        stamp = int(rng.integers(1, 100 * NS_PER_SECOND)) if number % 7 else EPOCH
        add(assembler, replace(arriving, item=replace(arriving.item, stamp=stamp)))
        assembler.units()
        alignment = assembler._alignment
        for line in alignment._trackers.values():
            assert len(line.suspects) <= (32 if line.modality is Modality.VIDEO else 128)
            assert len(line.held) <= 128
        assert len(alignment._offsets._relation._pairs) <= 1024
        assert len(assembler._video) <= 100
