"""Times of narrations by hand: ROMA's rule, and a tolerance around the ends of segments."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from roma_ros.benchmarks.narrations import judge_at_ends, judge_in_segments, narration_figures

SEGMENTS = [(0.0, 5.0), (5.0, 9.0)]


def test_the_first_narration_in_a_segment_is_a_hit_and_all_others_are_false() -> None:
    match = judge_in_segments([1, 3, 5, 20], SEGMENTS)
    assert list(match.pairs) == [(0, 0), (1, 2)]
    figures = {figure.name: figure.value for figure in narration_figures([match])}
    assert figures["precision"] == 50
    assert figures["recall"] == 100
    assert figures["F1"] == pytest.approx(200 / 3)


def test_the_end_is_not_in_a_segment() -> None:
    assert list(judge_in_segments([5], SEGMENTS).pairs) == [(1, 0)]
    assert not judge_in_segments([9], SEGMENTS).pairs
    assert judge_in_segments([3], [(3, 3)]).pairs == ()


def test_a_narration_matches_one_end_within_the_tolerance() -> None:
    match = judge_at_ends([4, 5.5, 10], SEGMENTS, 1)
    assert list(match.pairs) == [(0, 0), (1, 2)]
    assert list(match.delays) == [-1, 1]
    assert judge_at_ends([6.01], SEGMENTS, 1).pairs == ()


def test_there_is_no_larger_matching() -> None:
    dice = np.random.default_rng(0)
    for _ in range(100):
        ends = sorted(dice.integers(0, 12, 4).tolist())
        times = sorted(dice.integers(0, 12, 4).tolist())
        found = judge_at_ends(times, [(0.0, end) for end in ends], 1).pairs
        best = max(
            count
            for count in range(5)
            for chosen in combinations(ends, count)
            for said in combinations(times, count)
            if all(abs(a - b) <= 1 for a, b in zip(chosen, said, strict=True))
        )
        assert len(found) == best
        assert all(abs(ends[segment] - times[said]) <= 1 for segment, said in found)
        assert len({said for _, said in found}) == len(found)


def test_figures_are_a_micro_average() -> None:
    matches = [judge_in_segments([1], [(0, 2)]), judge_in_segments([9, 9.5, 9.7], [(0, 2)] * 3)]
    figures = {figure.name: figure for figure in narration_figures(matches, "SSR ")}
    assert figures["SSR recall"].value == 25
    assert figures["SSR precision"].value == 25
    assert figures["SSR narrations per segment"].value == 1
    assert narration_figures([])[0].value is None
