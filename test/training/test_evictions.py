"""Training sees what a session sees after its window has evicted units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from roma_ros.models.make_roma_tiny import make_roma_tiny
from roma_ros.thinker import RomaThinker
from roma_ros.thinker.qwen_omni import set_attention
from roma_ros.training.attention import BATCH_ATTENTION
from roma_ros.training.batch import Batch, Batcher
from roma_ros.training.example import Exchange, StreamExample
from roma_ros.training.model import StreamLosses, TrainingModel
from roma_ros.units import UNIT_RATE, MultimodalUnit

pytestmark = pytest.mark.slow

INSTRUCTION = "alert me every time a red circle appears"
QUESTION, ANSWER = "how many beeps so far?", "three"
REPLY = "a red circle moves while two beeps sound."


@pytest.fixture(scope="module")
def thinker() -> RomaThinker:
    return make_roma_tiny(3)


@dataclass
class Streamed:
    """What a session computed: p(speak) of each unit, and likelihood of each token of text."""

    p_speak: list[float] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)


class Scripted:
    """Says given tokens instead of the likeliest, and notes how likely they were."""

    def __init__(self, thinker: RomaThinker, text: str, noted: list[float]) -> None:
        self.ahead = [*thinker.dialogue.text(text), thinker.dialogue.end]
        self.thinker, self.noted = thinker, noted

    def __call__(self, hidden: tuple[torch.Tensor, ...]) -> int:
        token = self.ahead.pop(0)
        logits = self.thinker.backbone.lm_head(hidden[-1]).log_softmax(-1)
        self.noted.append(float(logits[token]))
        return token


def stream(
    thinker: RomaThinker,
    units: Sequence[MultimodalUnit],
    window: int,
    patch: pytest.MonkeyPatch,
    *,
    instruction: str | None = None,
    spoken: np.ndarray | None = None,
    replies: Mapping[int, str] | None = None,
    asked: Sequence[int] = (),
    kept: Sequence[int] = (),
) -> Streamed:
    """Stream units through a real session."""
    got = Streamed()
    with thinker.open_session(
        instruction, context_seconds=window, context_policy="evict", spoken=spoken
    ) as session:
        for number, unit in enumerate(units):
            p_speak = session.step(unit).p_speak
            assert p_speak is not None
            got.p_speak.append(p_speak)
            if replies and number in replies:
                patch.setattr(
                    thinker, "next_token", Scripted(thinker, replies[number], got.replies)
                )
                assert session.speak(60).finished
            if number in asked:
                patch.setattr(thinker, "next_token", Scripted(thinker, ANSWER, got.answers))
                with session.branch() as branch:
                    assert branch.answer(QUESTION) == ANSWER
                    if number in kept:
                        branch.keep()
        assert session.evicted == max(0, len(units) - window)
    return got


def trained(
    thinker: RomaThinker, examples: Sequence[StreamExample]
) -> tuple[StreamLosses, list[float]]:
    """Return the losses of a batch and the likelihood of each of its target tokens."""
    batch: Batch = Batcher(thinker.features, thinker.dialogue)([examples])
    model = TrainingModel(thinker)
    noted: list[torch.Tensor] = []
    handle = thinker.backbone.lm_head.register_forward_hook(
        lambda _, __, logits: noted.append(logits.log_softmax(-1))
    )
    set_attention(thinker.backbone, BATCH_ATTENTION)
    with torch.no_grad():
        losses = model(**batch)
    set_attention(thinker.backbone, "sdpa")
    handle.remove()
    (logits,) = noted
    return losses, logits.gather(1, batch["target"][:, None])[:, 0].tolist()


@pytest.mark.parametrize("window", [1, 2, 3, 5])
def test_written_instruction_replies_and_questions(
    thinker: RomaThinker,
    make_unit: Callable[..., MultimodalUnit],
    monkeypatch: pytest.MonkeyPatch,
    window: int,
) -> None:
    units = [make_unit(index, video=index != 3, audio=index != 6) for index in range(9)]
    replies = {1: REPLY, 2: "a blue square.", 6: REPLY, 8: "a tone sounds."}
    asked, kept = [0, 2, 5, 6, 8], [0, 5, 6]
    expected = stream(
        thinker,
        units,
        window,
        monkeypatch,
        instruction=INSTRUCTION,
        replies=replies,
        asked=asked,
        kept=kept,
    )
    example = StreamExample(
        units=units,
        instruction=INSTRUCTION,
        speak=[False] * len(units),
        replies=replies,
        exchanges=[
            Exchange(unit=unit, question=QUESTION, answer=ANSWER, kept=unit in kept)
            for unit in asked
        ],
        window=window,
    )
    losses, likely = trained(thinker, [example])
    assert losses.speak_logits.sigmoid().tolist() == pytest.approx(expected.p_speak, abs=1e-4)
    assert likely == pytest.approx([*expected.replies, *expected.answers], abs=1e-4)
    # The comparison can fail: without evictions the numbers are others.
    other, unlike = trained(thinker, [replace(example, window=None)])
    assert likely != pytest.approx(unlike, abs=1e-3)
    assert losses.speak_logits.tolist() != pytest.approx(other.speak_logits.tolist(), abs=1e-3)


@pytest.mark.parametrize("window", [1, 2, 4])
@pytest.mark.parametrize("replied", [4, 1])
def test_a_spoken_instruction_is_kept(
    thinker: RomaThinker,
    make_unit: Callable[..., MultimodalUnit],
    monkeypatch: pytest.MonkeyPatch,
    window: int,
    replied: int,
) -> None:
    rng = np.random.default_rng(0)
    spoken = (0.1 * rng.standard_normal(int(2.4 * UNIT_RATE))).astype(np.float32)
    units = [make_unit(index) for index in range(8)]
    expected = stream(
        thinker,
        units,
        window,
        monkeypatch,
        spoken=spoken,
        replies={replied: REPLY},
        asked=[1, 5],
    )
    sound = np.concatenate([unit.audio for unit in units if unit.audio is not None])
    sound[: len(spoken)] += spoken
    heard = [
        replace(unit, audio=np.clip(part, -1, 1))
        for unit, part in zip(units, np.split(sound, len(units)), strict=True)
    ]
    example = StreamExample(
        units=heard,
        speak=[False] * len(units),
        replies={replied: REPLY},
        exchanges=[Exchange(unit=unit, question=QUESTION, answer=ANSWER) for unit in (1, 5)],
        window=window,
        spoken_units=3,
    )
    losses, likely = trained(thinker, [example])
    assert losses.speak_logits.sigmoid().tolist() == pytest.approx(expected.p_speak, abs=1e-4)
    assert likely == pytest.approx([*expected.replies, *expected.answers], abs=1e-4)
    _, unlike = trained(thinker, [replace(example, spoken_units=0)])
    assert likely != pytest.approx(unlike, abs=1e-3)


def test_rows_of_different_windows(
    thinker: RomaThinker,
    make_unit: Callable[..., MultimodalUnit],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples, expected, answers = [], [], []
    for first, count, window in ((0, 7, 3), (10, 4, 9), (20, 9, 5)):
        units = [make_unit(first + index) for index in range(count)]
        instruction = INSTRUCTION if first else None
        streamed = stream(
            thinker,
            units,
            window,
            monkeypatch,
            instruction=instruction,
            replies={2: REPLY},
            asked=[count - 1],
        )
        expected += streamed.p_speak
        answers += [*streamed.replies, *streamed.answers]
        examples.append(
            StreamExample(
                units=units,
                instruction=instruction,
                speak=[False] * count,
                replies={2: REPLY},
                exchanges=[Exchange(unit=count - 1, question=QUESTION, answer=ANSWER)],
                window=window if window < count else None,
            )
        )
    losses, likely = trained(thinker, examples)
    assert losses.speak_logits.sigmoid().tolist() == pytest.approx(expected, abs=1e-4)
    assert likely == pytest.approx(answers, abs=1e-4)


def test_bad_windows_say_what_is_wrong(make_unit: Callable[..., MultimodalUnit]) -> None:
    with pytest.raises(ValueError, match="window is 0"):
        StreamExample(units=[make_unit(0)], window=0)
    with pytest.raises(ValueError, match="spoken_units is 2"):
        StreamExample(units=[make_unit(0)], spoken_units=2)
