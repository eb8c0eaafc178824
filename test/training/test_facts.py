"""Facts are those of the scene, and a head finds them wherever the token is that shows them."""

from __future__ import annotations

import re

import pytest
import torch

from roma_ros.training.facts import HEARD, LOOKS, SAID, SEEN, FactHeads, Facts, facts_of
from roma_ros.world import Colour, Senses, Shape, alert_exercises, draw_questions, make_scene


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


COLOUR_WORDS, SHAPE_WORDS = range(6), range(6, 11)
WORDS = 30.0 * torch.eye(12)  # an embedding each


def heads_without_weights() -> FactHeads:
    heads = FactHeads(12, COLOUR_WORDS, SHAPE_WORDS)
    for head in (heads.video, heads.audio, heads.nothing, heads.blank):
        torch.nn.init.zeros_(head.weight)
    for head in (heads.nothing, heads.blank):
        torch.nn.init.zeros_(head.bias)
    return heads


def loss_of(heads: FactHeads, facts: torch.Tensor, **given: torch.Tensor) -> float:
    nothing = {
        **{name: torch.zeros(0, 12) for name in ("video", "audio")},
        **{name: torch.zeros(0, dtype=torch.long) for name in ("video_row", "audio_row")},
        "cells": torch.full((len(given.get("video", ())),), -1),
        "said": torch.zeros(0, dtype=torch.long),
        "said_lengths": torch.zeros(len(facts), dtype=torch.long),
    }
    return float(heads.loss(facts, words=WORDS, **{**nothing, **given}))


def unknown(examples: int) -> torch.Tensor:
    return torch.full((examples, len(SEEN) + len(HEARD) + len(SAID)), -1.0)


def test_the_strongest_token_of_an_example_decides() -> None:
    heads = heads_without_weights()
    heads.video.weight.data[0, 0] = 5.0  # the first fact is seen where the first value is high
    video = torch.zeros(4, 12)
    video[2, 0] = 4.0  # a token of the second example
    rows = torch.tensor([0, 0, 1, 1])
    facts = unknown(2)
    facts[:, 0] = torch.tensor([0.0, 1.0])
    assert loss_of(heads, facts, video=video, video_row=rows) < 0.01
    facts[:, 0] = torch.tensor([1.0, 0.0])
    assert loss_of(heads, facts, video=video, video_row=rows) > 0.5


def test_a_cell_points_to_the_words_of_its_look() -> None:
    heads = heads_without_weights()
    look = LOOKS[13]
    colour, shape = list(Colour).index(look.colour), list(Shape).index(look.shape)
    video = torch.stack([WORDS[COLOUR_WORDS[colour]] + WORDS[SHAPE_WORDS[shape]], torch.zeros(12)])
    rows = torch.zeros(2, dtype=torch.long)
    right = torch.tensor([1 + LOOKS.index(look), -1])
    assert loss_of(heads, unknown(1), video=video, video_row=rows, cells=right) < 0.01
    other_colour = torch.tensor([1 + (LOOKS.index(look) + len(Shape)) % len(LOOKS), -1])
    assert loss_of(heads, unknown(1), video=video, video_row=rows, cells=other_colour) > 5


def test_words_are_heard_in_their_order_wherever_they_are_said() -> None:
    heads = heads_without_weights()
    heads.blank.bias.data.fill_(20.0)
    audio = torch.zeros(6, 12)
    audio[1], audio[4] = WORDS[3], WORDS[7]
    heard = {
        "audio": audio,
        "audio_row": torch.ones(6, dtype=torch.long),  # the first example is silent
        "said_lengths": torch.tensor([0, 2]),
    }
    assert loss_of(heads, unknown(2), **heard, said=torch.tensor([3, 7])) < 0.01
    assert loss_of(heads, unknown(2), **heard, said=torch.tensor([7, 3])) > 0.5
