"""Facts are those of the scene, and a head finds them wherever the token is that shows them."""

from __future__ import annotations

import re

import pytest
import torch

from roma_ros.training.facts import HEARD, LOOKS, SAID, SEEN, FactHeads, Facts, facts_of
from roma_ros.world import Senses, alert_exercises, draw_questions, make_scene


@pytest.mark.parametrize("seed", [3, 8, 21])
def test_facts_are_what_the_senses_say(seed: int) -> None:
    scene = make_scene(seed, 20)
    senses, facts = Senses(scene), facts_of(scene)
    for look in LOOKS:
        appears = [f"{look} appears" in (fact.seen or ()) for fact in facts]
        assert appears == senses.seen(look).tolist()
    for unit, fact in enumerate(facts):
        assert fact.seen is not None
        assert fact.heard is not None
        assert fact.standing is not None
        looks = [figure.look for figure in senses.figures_after(unit)]
        assert {look for look in LOOKS if f"{look} stays" in fact.seen} == set(looks)
        assert [look for look, _, _ in fact.standing] == looks
        assert {e.kind.value for e in senses.sounds_in(unit)} == fact.heard & {
            "beep",
            "tone",
            "burst",
            "knock",
            "word",
        }
        assert fact.seen <= set(SEEN)
        assert fact.heard <= set(HEARD)


def test_every_word_that_can_be_said_to_the_robot_is_known() -> None:
    said = set()
    for seed in range(40):
        lines = [exercise.text for exercise in alert_exercises(seed, 12, 6)]
        lines += [question.text for question in draw_questions(make_scene(seed, 12), 30)]
        said |= {word for line in lines for word in re.findall(r"\w+", line)}
    assert said <= set(SAID)


def test_a_row_says_what_is_unknown() -> None:
    row = Facts(heard=frozenset({"a beep", "beep"})).row
    seen, heard, said = (
        row[: len(SEEN)],
        row[len(SEEN) : len(SEEN) + len(HEARD)],
        row[-len(SAID) :],
    )
    assert set(seen) == set(said) == {-1.0}
    assert [name for name, value in zip(HEARD, heard, strict=True) if value] == ["beep", "a beep"]


def test_a_figure_is_in_the_cell_of_its_centre() -> None:
    red, blue = LOOKS[0], LOOKS[12]
    facts = Facts(standing=((red, 0.1, 0.9), (blue, 1.0, 0.49)))
    assert facts.cells(2, 4) == [0, 0, 0, 13, 1, 0, 0, 0]
    assert Facts().cells(1, 2) == [-1, -1]


def test_the_strongest_token_of_an_example_decides() -> None:
    torch.manual_seed(0)
    heads = FactHeads(8)
    for head in (heads.video, heads.audio):
        torch.nn.init.zeros_(head.weight)
    heads.video.weight.data[0, 0] = 5.0  # the first fact is seen where the first value is high
    video = torch.zeros(4, 8)
    video[2, 0] = 4.0  # a token of the second example
    rows = torch.tensor([0, 0, 1, 1])
    facts = torch.full((2, len(SEEN) + len(HEARD) + len(SAID)), -1.0)
    facts[:, 0] = torch.tensor([0.0, 1.0])
    unknown = torch.full((4,), -1)
    nothing = torch.zeros(0, 8), torch.zeros(0, dtype=torch.long)
    right = heads.loss(facts, unknown, video, rows, *nothing)
    facts[:, 0] = torch.tensor([1.0, 0.0])
    wrong = heads.loss(facts, unknown, video, rows, *nothing)
    assert right < 0.01
    assert wrong > 0.5
