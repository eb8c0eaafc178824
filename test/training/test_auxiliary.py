"""Auxiliary targets match the scene, and a head finds them at whichever token shows them."""

from __future__ import annotations

import pytest
import torch

from roma_ros.speech import SpokenWord
from roma_ros.training.auxiliary import (
    AUDIO_LABELS,
    MOTIONS,
    VISUAL_LABELS,
    AuxiliaryHeads,
    AuxiliaryTargets,
    VisibleFigure,
    auxiliary_targets,
)
from roma_ros.world import Colour, Look, Senses, Shape, make_scene

LOOKS = tuple(Look(colour, shape) for colour in Colour for shape in Shape)


@pytest.mark.parametrize("seed", [3, 8, 21])
def test_facts_are_what_the_senses_say(seed: int) -> None:
    scene = make_scene(seed, 20)
    senses, facts = Senses(scene), auxiliary_targets(scene)
    for look in LOOKS:
        appears = [f"{look} appears" in (fact.seen or ()) for fact in facts]
        assert appears == senses.seen(look).tolist()
    for unit, fact in enumerate(facts):
        assert fact.seen is not None
        assert fact.heard is not None
        assert fact.standing is not None
        looks = [figure.look for figure in senses.figures_after(unit)]
        assert {look for look in LOOKS if f"{look} stays" in fact.seen} == set(looks)
        assert [figure.look for figure in fact.standing] == looks
        assert {e.kind.value for e in senses.sounds_in(unit)} == fact.heard & {
            "beep",
            "tone",
            "burst",
            "knock",
            "word",
        }
        assert fact.seen <= set(VISUAL_LABELS)
        assert fact.heard <= set(AUDIO_LABELS)


def test_a_row_says_what_is_unknown() -> None:
    row = AuxiliaryTargets(heard=frozenset({"a beep", "beep"})).row
    seen, heard = row[: len(VISUAL_LABELS)], row[len(VISUAL_LABELS) :]
    assert set(seen) == {-1.0}
    assert [name for name, value in zip(AUDIO_LABELS, heard, strict=True) if value] == [
        "beep",
        "a beep",
    ]


def test_a_figure_is_in_the_cell_of_its_centre() -> None:
    facts = AuxiliaryTargets(
        standing=(VisibleFigure(RED_CIRCLE, 0.1, 0.9, True), VisibleFigure(BLUE_STAR, 1.0, 0.49))
    )
    none = (0, 0, -1)
    assert facts.cells(2, 4) == [none, none, none, (3, 4, -1), (1, 1, 2), none, none, none]
    assert AuxiliaryTargets().cells(1, 2) == [(-1, -1, -1)] * 2


def test_what_moves_is_what_changed_its_place_between_two_frames() -> None:
    known = []
    for seed in range(12):
        scene = make_scene(seed, 14)
        senses = Senses(scene)
        for unit, fact in enumerate(auxiliary_targets(scene)):
            figures = senses.figures_after(unit)
            for figure, standing in zip(figures, fact.standing or (), strict=True):
                jumps = any(figure.look == touch.mover for touch in scene.touches)
                leaves = figure.leaves < unit + 1.5
                if standing.moves is not None and not (jumps or leaves):
                    assert standing.moves == figure.moves
                    known.append(standing.moves)
    assert known.count(True) > 50
    assert known.count(False) > 50


def test_a_word_is_at_the_tokens_in_which_it_is_said() -> None:
    ids = {"alert": [7], " me": [8], " red": [9, 1]}
    words = (("alert", 0.1, 0.3), ("me", 0.3, 0.42), ("red", 0.5, 2.0))
    facts = AuxiliaryTargets(spoken=tuple(SpokenWord(*word) for word in words))
    assert facts.words(8, 10, ids.__getitem__) == [0, 8, 8, 9, 0, 10, 10, 10]
    assert AuxiliaryTargets().words(2, 10, ids.__getitem__) == [-1, -1]


RED_CIRCLE, BLUE_STAR = Look(Colour.RED, Shape.CIRCLE), Look(Colour.BLUE, Shape.STAR)
NAMES = [" " + name for name in (*(c.value for c in Colour), *(s.value for s in Shape), *MOTIONS)]
WORDS = 30.0 * torch.eye(len(NAMES))  # an embedding each


def heads_without_weights() -> AuxiliaryHeads:
    heads = AuxiliaryHeads(len(NAMES), lambda text: [NAMES.index(text)])
    for head in (heads.video, heads.audio, heads.nothing, heads.silence):
        torch.nn.init.zeros_(head.weight)
    for head in (heads.nothing, heads.silence):
        torch.nn.init.zeros_(head.bias)
    return heads


def loss_of(heads: AuxiliaryHeads, facts: torch.Tensor, **given: torch.Tensor) -> float:
    nothing = {
        **{name: torch.zeros(0, len(NAMES)) for name in ("video", "audio")},
        **{name: torch.zeros(0, dtype=torch.long) for name in ("video_row", "audio_row")},
        "cells": torch.full((len(given.get("video", ())), 3), -1),
        "spoken": torch.full((len(given.get("audio", ())),), -1),
    }
    return float(heads.loss(facts, words=WORDS, **{**nothing, **given}))


def unknown(examples: int) -> torch.Tensor:
    return torch.full((examples, len(VISUAL_LABELS) + len(AUDIO_LABELS)), -1.0)


def test_the_strongest_token_of_an_example_decides() -> None:
    heads = heads_without_weights()
    heads.video.weight.data[0, 0] = 5.0  # the first fact is seen where the first value is high
    video = torch.zeros(4, len(NAMES))
    video[2, 0] = 4.0  # a token of the second example
    rows = torch.tensor([0, 0, 1, 1])
    facts = unknown(2)
    facts[:, 0] = torch.tensor([0.0, 1.0])
    assert loss_of(heads, facts, video=video, video_row=rows) < 0.01
    facts[:, 0] = torch.tensor([1.0, 0.0])
    assert loss_of(heads, facts, video=video, video_row=rows) > 0.5


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_a_cell_points_to_the_words_of_what_stands_there(wrong: int) -> None:
    heads = heads_without_weights()
    words = [NAMES.index(name) for name in (" blue", " star", " moves")]
    video = torch.stack([WORDS[words].sum(0), torch.zeros(len(NAMES))])
    rows = torch.zeros(2, dtype=torch.long)
    cells = torch.tensor([[3, 4, 2], [-1, -1, -1]])
    assert loss_of(heads, unknown(1), video=video, video_row=rows, cells=cells) < 0.01
    cells[0, wrong] = 1
    assert loss_of(heads, unknown(1), video=video, video_row=rows, cells=cells) > 5


def test_a_token_points_to_the_word_that_is_said_there() -> None:
    heads = heads_without_weights()
    heads.silence.bias.data.fill_(20.0)
    audio = torch.zeros(4, len(NAMES))
    audio[1], audio[2] = WORDS[3], WORDS[7]
    rows = torch.zeros(4, dtype=torch.long)
    right, wrong = torch.tensor([0, 4, 8, -1]), torch.tensor([0, 8, 8, -1])
    assert loss_of(heads, unknown(1), audio=audio, audio_row=rows, spoken=right) < 0.01
    assert loss_of(heads, unknown(1), audio=audio, audio_row=rows, spoken=wrong) > 0.5
