"""The losses of deciding, against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from roma_ros.models.make_roma_tiny import make_roma_tiny
from roma_ros.thinker import CheckpointError, RomaThinker, StateTokens
from roma_ros.training.settings import DecideSettings, SettingsError
from roma_ros.training.speak_loss import head_loss, state_loss
from roma_ros.training.trainer import load_for_training

pytestmark = pytest.mark.slow

STATES = StateTokens(silent=(0, 1), speak=(2,))


def test_the_heads_loss_is_weighted_cross_entropy() -> None:
    logits, speak = torch.tensor([0.0, math.log(3)]), torch.tensor([1.0, 0.0])
    loss = head_loss(logits, speak, torch.tensor([2.0, 1.0]))
    assert float(loss) == pytest.approx((2 * math.log(2) + math.log(4)) / 2)


def test_each_unit_should_say_its_state() -> None:
    likely = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log().expand(3, -1)
    speak, waiting = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([False, True, True])
    weight = torch.tensor([1.0, 1.0, 4.0])
    loss = state_loss(likely, STATES, speak, waiting, weight)
    surprises = [-math.log(0.5), -math.log(0.25), -4 * math.log(0.125)]
    assert float(loss) == pytest.approx(sum(surprises) / 3)
    focal = state_loss(likely, STATES, speak, waiting, weight, focal=2.0)
    missing = [0.5**2, 0.75**2, 0.875**2]
    expected = sum(s * m for s, m in zip(surprises, missing, strict=True)) / 3
    assert float(focal) == pytest.approx(expected)
    two = state_loss(likely, StateTokens((0,), (2,)), speak, waiting, weight)
    assert float(two) == pytest.approx((-2 * math.log(0.5) + surprises[2]) / 3)


def test_the_odds_are_those_among_the_states() -> None:
    likely = torch.tensor([0.3, 0.1, 0.1, 0.5]).log()
    assert float(STATES.logit(likely).sigmoid()) == pytest.approx(0.2)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    make_roma_tiny(1).save_pretrained(folder)
    return folder


def test_a_checkpoint_learns_to_decide_by_tokens_and_says_so(
    start: Path, tmp_path: Path, make_unit
) -> None:
    settings = DecideSettings(
        source="state_token",
        silent_tokens=("</Silence>", "</Standby>"),
        speak_tokens=("</Response>",),
    )
    thinker = load_for_training(str(start), 0, decide=settings)
    assert thinker.speak_head is None
    thinker.save_pretrained(tmp_path)
    loaded = RomaThinker.from_pretrained(tmp_path)
    assert loaded.state_tokens is not None
    assert set(loaded.state_tokens.silent) <= set(loaded.dialogue.suppressed)
    with loaded.open_session("alert me when a red circle appears") as session:
        step = session.step(make_unit(0))
    ids = loaded.state_tokens
    assert len({*ids.silent, *ids.speak}) == 3
    assert step.p_speak is not None
    assert 0 < step.p_speak < 1


def test_a_checkpoint_may_mix_one_layer_alone(start: Path) -> None:
    thinker = load_for_training(str(start), 0, decide=DecideSettings(layers=1))
    assert thinker.config.speak_layer_ids == (-1,)
    assert thinker.speak_head is not None
    assert thinker.speak_head.mixer.shape == (1,)


def test_what_cannot_decide_is_named(start: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="name at least one of each"):
        load_for_training(str(start), 0, decide=DecideSettings(source="state_token"))
    with pytest.raises(CheckpointError, match="speak_source is 'fortune'"):
        load_for_training(str(start), 0, decide=DecideSettings(source="fortune"))
    with pytest.raises(SettingsError, match="layers is 0"):
        DecideSettings(layers=0)
    with pytest.raises(SettingsError, match="focal is -1"):
        DecideSettings(focal=-1)


def test_what_needs_no_training_is_not_trained() -> None:
    with pytest.raises(SettingsError, match="yes_no is for models"):
        DecideSettings(source="yes_no")
