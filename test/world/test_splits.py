from __future__ import annotations

from itertools import combinations

import pytest

from roma_ros.world import SceneError, Split
from roma_ros.world.splits import Purpose, generator


def test_no_seed_is_in_two_splits() -> None:
    for one, other in combinations(Split, 2):
        assert one.value.stop <= other.value.start or other.value.stop <= one.value.start


@pytest.mark.parametrize("split", Split)
def test_every_index_has_a_seed_of_its_split(split: Split) -> None:
    last = len(split.value) - 1
    for index in (0, 1, last):
        assert Split.of(split.seed(index)) is split
    for index in (-1, last + 1):
        with pytest.raises(SceneError, match=split.name):
            split.seed(index)


@pytest.mark.parametrize("seed", [-1, 4_000_000_000])
def test_a_seed_of_no_split_is_refused(seed: int) -> None:
    with pytest.raises(SceneError, match=f"the seed is {seed}"):
        Split.of(seed)


def test_purposes_draw_different_numbers() -> None:
    first = {generator(5, purpose).integers(2**60) for purpose in Purpose}
    assert len(first) == len(Purpose)
    assert generator(5, Purpose.SCENE).integers(2**60) in first
