"""Deciding by a question after each unit, which the stream knows nothing of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from roma_ros.assistant.watch_session import WatchSession
from roma_ros.events import Alert, Narration, SpeakProbability
from roma_ros.thinker import (
    CONDITION_HOLDS,
    EVENT_HAS_ENDED,
    CheckpointError,
    RomaThinker,
    StreamSession,
)
from roma_ros.thinker.yes_no import yes_no_tokens
from roma_ros.watch import Watch, WatchKind

INSTRUCTION = "alert me when a red circle appears"
ALERT = Watch(id="red", kind=WatchKind.ALERT, instruction=INSTRUCTION, threshold=0.6)


def without_a_head(tiny: RomaThinker, speak_source: str = "yes_no") -> RomaThinker:
    return RomaThinker(
        backbone=tiny.backbone,
        tokenizer=tiny.tokenizer,
        features=tiny.features,
        config=replace(tiny.config, speak_source=speak_source),
        speak_head=None,
    )


@pytest.fixture
def asker(tiny: RomaThinker) -> RomaThinker:
    return without_a_head(tiny)


def tokenizer_of(*tokens: str) -> PreTrainedTokenizerFast:
    """A byte-level vocabulary, in which a space is written Ġ and a line feed Ċ."""
    vocabulary = {token: number for number, token in enumerate(tokens)}
    plain = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    plain.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=plain)


def test_every_spelling_of_both_is_found() -> None:
    tokens = ["yes", "Ġyes", "Yes", "ĠYES", "yesterday", "eyes", "Ċyes", "Yes."]
    tokens += ["no", "ĠNo", "NO", "now", "Ġnot", "Ġn", "o", "<|no|>"]
    found = yes_no_tokens(tokenizer_of(*tokens))
    assert [tokens[number] for number in found.speak] == ["yes", "Ġyes", "Yes", "ĠYES", "Ċyes"]
    assert [tokens[number] for number in found.silent] == ["no", "ĠNo", "NO"]
    logits = torch.randn(len(tokens), dtype=torch.float64)
    likely = logits.softmax(0)
    yes, no = (likely[list(ids)].sum() for ids in (found.speak, found.silent))
    assert float(found.logit(logits).sigmoid()) == pytest.approx(float(yes / (yes + no)))


@pytest.mark.parametrize(
    ("tokens", "missing"), [(("Yes", "nothing"), "no"), (("no", "y", "es"), "yes")]
)
def test_a_tokenizer_without_them_is_refused(tokens: tuple[str, ...], missing: str) -> None:
    with pytest.raises(CheckpointError, match=rf"no single token for \['{missing}'\]"):
        yes_no_tokens(tokenizer_of(*tokens))


def asked_by_hand(thinker: RomaThinker, session: StreamSession, question: str) -> float:
    """P(yes) / (P(yes) + P(no)) on an ordinary branch of a session that was never asked before."""
    tokens = yes_no_tokens(thinker.tokenizer)
    with session.branch() as branch, torch.inference_mode():
        branch.begin(question)
        ahead = thinker.embed(branch._pending)
        offsets = torch.arange(len(ahead)).expand(3, -1)
        hidden, slots = branch.sequence.extend(ahead, offsets, len(ahead))
        branch._slots += slots
        likely = thinker.backbone.lm_head(hidden[-1]).softmax(-1)
    yes, no = (float(likely[list(ids)].sum()) for ids in (tokens.speak, tokens.silent))
    return yes / (yes + no)


def test_it_is_what_a_branch_would_say_and_leaves_no_trace(
    tiny: RomaThinker, asker: RomaThinker, make_unit
) -> None:
    """Beside a session of the same weights that is only asked at the end."""
    units = [tiny.encode(make_unit(index)) for index in range(7)]
    question = CONDITION_HOLDS.format(instruction=INSTRUCTION)
    silent = without_a_head(tiny, "head")
    with (
        asker.open_session(INSTRUCTION, context_seconds=4, context_policy="evict") as asked,
        silent.open_session(INSTRUCTION, context_seconds=4, context_policy="evict") as plain,
    ):
        for number, unit in enumerate(units):
            step = asked.step(unit)
            assert plain.step(unit).p_speak is None
            if number == 2:
                asked.speak(3)
                plain.speak(3)
            assert (
                asked._context.window.sequence.position == plain._context.window.sequence.position
            )
            assert (
                asked._context.window.cache.read_length == plain._context.window.cache.read_length
            )
            used = plain._context.window.cache.slots_in_use()
            assert asked._context.window.cache.slots_in_use() == used
            unused = sorted(set(range(asked.kv_capacity)).difference(used))
            for ours, theirs in zip(
                asked._context.window.cache.layers, plain._context.window.cache.layers, strict=True
            ):
                assert torch.equal(ours.keys[:, :, used], theirs.keys[:, :, used])
                assert torch.equal(ours.values[:, :, used], theirs.values[:, :, used])
                if not plain.evicted:  # nothing has been where nothing is
                    assert not ours.keys[:, :, unused].any()
                    assert not ours.values[:, :, unused].any()
        assert plain.evicted
        assert step.p_speak == pytest.approx(asked_by_hand(tiny, plain, question), abs=1e-5)
        assert step.timings.head > 0


def test_an_answer_may_be_decoded_meanwhile(tiny: RomaThinker, asker, make_unit) -> None:
    units = [tiny.encode(make_unit(index)) for index in range(5)]
    with asker.open_session(INSTRUCTION, context_seconds=3, context_policy="evict") as plain:
        expected = [plain.step(unit).p_speak for unit in units]
        used = plain.kv_length
    with asker.open_session(INSTRUCTION, context_seconds=3, context_policy="evict") as session:
        got = [session.step(unit).p_speak for unit in units[:2]]
        with session.branch() as branch:
            branch.begin("what is there now?")
            for unit in units[2:]:
                branch.decode(4)
                got.append(session.step(unit).p_speak)
        assert got == pytest.approx(expected, abs=1e-5)
        assert session.kv_length == used, "all that was asked has been given back"


def test_without_an_instruction_there_is_nothing_to_ask(asker: RomaThinker, make_unit) -> None:
    with asker.open_session() as session:
        assert session.step(make_unit(0, video=False)).p_speak is None
        with session.branch() as branch:
            assert branch.answer("what is there?", 2)


def test_the_question_fits_the_watch(puppet, asker: RomaThinker, make_unit) -> None:
    """An alert is asked for its condition, a narration for what has ended; then they trigger."""
    thinker = RomaThinker(
        backbone=puppet.thinker.backbone,
        tokenizer=asker.tokenizer,
        features=asker.features,
        config=asker.config,
        speak_head=None,
    )
    assert thinker.has_speak_source
    unit = thinker.encode(make_unit(0, video=False))
    narration = replace(ALERT, kind=WatchKind.NARRATION)
    for watch, asks in ((ALERT, CONDITION_HOLDS), (narration, EVENT_HAS_ENDED)):
        watch_session = WatchSession(watch)
        watch_session.open(thinker, 4)
        assert watch_session.session is not None
        question = asks.format(instruction=INSTRUCTION)
        assert watch_session.session._unit_question == thinker.dialogue.question(question)
        puppet.says("no")
        (probability,) = watch_session.step(unit)
        assert isinstance(probability, SpeakProbability)
        assert probability.p_speak == pytest.approx(0.269, abs=1e-3)  # 1 / (1 + e)
        puppet.says("yes")
        probability, *events = watch_session.step(unit)
        assert isinstance(probability, SpeakProbability)
        assert probability.p_speak == pytest.approx(0.731, abs=1e-3)
        assert probability.triggered
        events += watch_session.speak(1, 1)
        watch_session.close()
        assert any(isinstance(event, Alert | Narration) for event in events)


def test_a_stock_checkpoint_decides_if_it_is_told_to(
    tiny: RomaThinker, tmp_path: Path, make_unit
) -> None:
    stock = tmp_path / "stock"
    tiny.save_pretrained(stock)
    (stock / "speak_head.safetensors").unlink()
    (stock / "roma_config.json").unlink()
    assert not RomaThinker.from_pretrained(stock).has_speak_source
    thinker = RomaThinker.from_pretrained(stock, speak_source="yes_no")
    with thinker.open_session(INSTRUCTION) as session:
        p_speak = session.step(make_unit(0, video=False)).p_speak
    assert p_speak is not None
    assert 0 < p_speak < 1
    with pytest.raises(CheckpointError, match=r"speak_source is head, and .* use yes_no"):
        RomaThinker.from_pretrained(stock, speak_source="head")
    with pytest.raises(CheckpointError, match=r"'fortune'; expected one of .*yes_no"):
        RomaThinker.from_pretrained(stock, speak_source="fortune")
