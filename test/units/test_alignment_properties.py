"""Whatever the offsets, latencies, chunk lengths and drifts: no unit without picture or sound."""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sensor_pair import BOOT, EPOCH, SensorPair, measure, ns

from roma_ros.units.stamp_relation import Relation, are_of_one_clock

DECADE = 315_576_000.0
SINCE_BOOT = (BOOT - EPOCH) / 1e9
LONGEST = ns(2.0)


@dataclass(frozen=True)
class Scene:
    """Sensors, and where the picture must lie beside the sound."""

    pair: SensorPair
    knows_clock: bool
    expected: float = field(init=False)
    tolerance: float = field(init=False)

    def __post_init__(self) -> None:
        """Honest stamps stay, and so do those that may be; else what arrives together is together.

        `expected` is the time of the sound minus that of the picture in a unit.
        """
        pair, clock = self.pair, 0 if self.knows_clock else BOOT - EPOCH
        video = ns(pair.camera_latency + pair.jitter / 2 - pair.camera_offset) + clock
        audio = ns(pair.microphone_latency + pair.jitter / 2 - pair.microphone_offset) + clock
        relation = Relation(video, audio, video - audio, self.knows_clock)
        believed = are_of_one_clock(relation, LONGEST)
        half_a_frame = 0.5 / pair.frame_rate
        if believed:
            expected, tolerance = pair.camera_offset - pair.microphone_offset, 0.01
        else:
            expected, tolerance = pair.camera_latency - pair.microphone_latency, pair.jitter + 0.01
        object.__setattr__(self, "expected", expected)
        object.__setattr__(self, "tolerance", half_a_frame + tolerance)

    @property
    def is_on_an_edge(self) -> bool:
        """Whether jitter decides what is believed; half of it to either side must not matter."""
        pair, clock = self.pair, 0 if self.knows_clock else BOOT - EPOCH
        video = ns(pair.camera_latency + pair.jitter / 2 - pair.camera_offset) + clock
        audio = ns(pair.microphone_latency + pair.jitter / 2 - pair.microphone_offset) + clock
        margin = ns(pair.jitter / 2 + 0.02)
        verdicts = {
            are_of_one_clock(Relation(v, a, v - a, True), LONGEST)
            for v in (video - margin, video + margin)
            for a in (audio - margin, audio + margin)
        }
        return len(verdicts) > 1


offsets = st.one_of(
    st.just(0.0), st.floats(-5, 5), st.sampled_from([-DECADE, DECADE, 5 * DECADE, SINCE_BOOT])
)
latencies = st.one_of(st.just(0.0), st.floats(0, 2.0))
begins = st.sampled_from([0.0, 0.0, 0.4, 2.0])


def scenes(*, seconds: float) -> st.SearchStrategy[Scene]:
    pairs = st.builds(
        SensorPair,
        camera_offset=offsets,
        microphone_offset=offsets,
        camera_latency=latencies,
        microphone_latency=latencies,
        jitter=st.sampled_from([0.0, 0.01, 0.05, 0.1]),
        drift=st.sampled_from([0.0, 100.0, -100.0]),
        chunk=st.sampled_from([0.01, 0.02, 0.064, 0.1, 0.5, 1.0, 2.0, 5.0]),
        frame_rate=st.sampled_from([5.0, 15.0, 30.0]),
        camera_from=begins,
        microphone_from=begins,
        seconds=st.just(seconds),
        seed=st.integers(0, 2**32 - 1),
    )
    return st.builds(Scene, pairs, st.booleans()).filter(lambda scene: not scene.is_on_an_edge)


def check(scene: Scene) -> None:
    outcome = measure(scene.pair, settled=10.0, clock=scene.knows_clock)
    assert outcome.whole, outcome
    assert abs(outcome.skew - scene.expected) <= scene.tolerance, outcome
    if scene.pair.camera_offset == scene.pair.microphone_offset == 0:
        assert abs(outcome.skew) <= max(0.06, 0.5 / scene.pair.frame_rate + 0.01)


quick = settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@pytest.mark.slow
@given(scenes(seconds=26.0))
@quick
def test_no_unit_goes_without_its_picture_or_sound(scene):
    check(scene)


@pytest.mark.long
@given(scenes(seconds=45.0))
@settings(quick, max_examples=400)
def test_no_unit_goes_without_its_picture_or_sound_in_many_scenes(scene):
    check(scene)
