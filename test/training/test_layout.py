"""Training sees what streaming sees: the same p(speak), and the same answers' likelihood."""

from __future__ import annotations

import math

import pytest
import torch

from roma_ros.models.make_roma_tiny import make_roma_tiny
from roma_ros.thinker import Branch, RomaThinker
from roma_ros.thinker.dialogue import Dialogue
from roma_ros.thinker.qwen_omni import audio_tower, vision_tower
from roma_ros.training.batch import Batcher
from roma_ros.training.example import Exchange, StreamExample
from roma_ros.training.model import TrainingModel

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def thinker() -> RomaThinker:
    return make_roma_tiny(3)


def surprise(thinker: RomaThinker, branch: Branch, question: str, answer: str) -> float:
    """Minus the log-likelihood of an answer and its end, on a session's own branch."""
    branch.begin(question)
    words = [*thinker.dialogue.text(answer), thinker.dialogue.end]
    ahead, total = branch._pending, 0.0
    with torch.no_grad():
        for word in words:
            offsets = torch.arange(len(ahead)).expand(3, -1)
            hidden, _ = branch.sequence.extend(thinker.embed(ahead), offsets, len(ahead))
            total -= float(thinker.backbone.lm_head(hidden[-1]).log_softmax(-1)[word])
            ahead = [word]
    return total


def test_a_batch_equals_sessions_and_branches(thinker: RomaThinker, make_unit) -> None:
    early, late = ("what colour is it?", "a red circle"), ("how many beeps so far?", "three")
    surprises = []
    examples, expected = [], []
    for first, count in ((0, 5), (10, 3)):
        units = [make_unit(first + index) for index in range(count)]
        with thinker.open_session("alert me when a red circle appears") as session:
            probabilities = [session.step(units[0]).p_speak, session.step(units[1]).p_speak]
            with session.branch() as branch:
                surprises.append(surprise(thinker, branch, *early))
            probabilities += [session.step(unit).p_speak for unit in units[2:]]
            with session.branch() as branch:
                surprises.append(surprise(thinker, branch, *late))
        expected += [p for p in probabilities if p is not None]
        examples.append(
            StreamExample(
                units=units,
                instruction="alert me when a red circle appears",
                speak=[True, *[False] * (count - 1)],
                exchanges=[
                    Exchange(unit=1, question=early[0], answer=early[1]),
                    Exchange(unit=count - 1, question=late[0], answer=late[1]),
                ],
                weight=2.0,
            )
        )
    model = TrainingModel(thinker)
    with torch.no_grad():
        losses = model(**Batcher(thinker.features, thinker.dialogue)([examples]))
    assert losses.speak_logits.sigmoid().tolist() == pytest.approx(expected, abs=1e-4)
    chosen = [2 * -math.log(p) if i in (0, 5) else -math.log(1 - p) for i, p in enumerate(expected)]
    assert float(losses.speak_loss) == pytest.approx(sum(chosen) / 8, abs=1e-4)
    words = 2 * sum(len(thinker.dialogue.text(answer)) + 1 for _, answer in (early, late))
    assert float(losses.text_loss) == pytest.approx(sum(surprises) / words, abs=1e-4)


def test_replies_stand_in_the_stream_as_a_session_puts_them(
    thinker: RomaThinker, make_unit
) -> None:
    units = [make_unit(index) for index in range(4)]
    with thinker.open_session() as session:
        expected = [session.step(units[0]).p_speak, session.step(units[1]).p_speak]
        reply = session.speak(25)
        said = session.transcript()[-1].text
        expected += [session.step(unit).p_speak for unit in units[2:]]
    dialogue = thinker.dialogue
    words = list(
        said[len(dialogue.reply_header) : len(said) - len(dialogue.closing(finished=True))]
    )
    example = StreamExample(units=units, speak=[False] * 4, replies={1: reply.text})
    batcher = Batcher(thinker.features, Spoken(dialogue, words, finished=reply.finished))
    with torch.no_grad():
        losses = TrainingModel(thinker)(**batcher([[example]]))
    assert losses.speak_logits.sigmoid().tolist() == pytest.approx(expected, abs=1e-4)


class Spoken:
    """A dialogue that says given ids, since what an untrained model says is no text."""

    def __init__(self, dialogue: Dialogue, words: list[int], *, finished: bool) -> None:
        self._dialogue, self._words, self._finished = dialogue, words, finished

    def __getattr__(self, name: str) -> object:
        return getattr(self._dialogue, name)

    def text(self, _: str) -> list[int]:
        return self._words

    def closing(self, *, finished: bool) -> list[int]:
        return self._dialogue.closing(finished=self._finished)


def test_encoders_are_frozen_unless_asked_for(thinker: RomaThinker, make_unit) -> None:
    example = StreamExample(units=[make_unit(0)], speak=[True], replies={0: "a beep"})
    batch = Batcher(thinker.features, thinker.dialogue)([[example]])
    for train_encoders in (False, True):
        model = TrainingModel(thinker, train_encoders=train_encoders)
        model.zero_grad()
        model(**batch).loss.backward()
        for encoder in (vision_tower(model.backbone), audio_tower(model.backbone)):
            grads = [value.grad for value in encoder.parameters()]
            assert any(grad is not None for grad in grads) == train_encoders
        assert model.speak_head is not None
        assert model.speak_head.mixer.grad is not None
        assert model.backbone.get_input_embeddings().weight.grad is not None


def test_bad_examples_say_what_is_wrong(make_unit) -> None:
    with pytest.raises(ValueError, match="no units"):
        StreamExample(units=[])
    with pytest.raises(ValueError, match="2 speak labels for 1 units"):
        StreamExample(units=[make_unit(0)], speak=[True, False])
    with pytest.raises(ValueError, match=r"units \[3\], but there are 1"):
        StreamExample(units=[make_unit(0)], replies={3: "x"})
