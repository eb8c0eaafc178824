"""A session against one forward pass over everything, and over a stream without end."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from roma_ros.thinker import (
    BranchError,
    ContextError,
    EncodedUnit,
    InstructionTooLongError,
    QuestionTooLongError,
    RomaThinker,
    SessionClosedError,
    StreamSession,
    ThinkerError,
    UnitShapeError,
)
from roma_ros.thinker.qwen_omni import multimodal_model, set_attention, text_model

INSTRUCTION = "alert me when a red circle appears"


def whole_forward(
    thinker: RomaThinker, session: StreamSession, units: list[EncodedUnit], raw: list
) -> tuple[torch.Tensor, list[int]]:
    """Hidden states of all layers by transformers alone, from the session's transcript.

    Returns (layers, tokens, H) and the index of each unit's last token.
    """
    ids, ends = list(session.opening), []
    texts = [entry.text for entry in session.transcript()]
    texts += [()] * (len(units) - len(texts))
    for unit, text in zip(units, texts, strict=True):
        ids += unit.tokens.tolist()
        ends.append(len(ids) - 1)
        ids += text
    features = [thinker.features.audio(unit.audio) for unit in raw]
    patches = [thinker.features.video(unit.frames) for unit in raw]
    tokens = torch.tensor(ids)[None]
    model = thinker.backbone
    set_attention(model, "sdpa")
    try:
        with torch.inference_mode():
            positions, _ = multimodal_model(model).get_rope_index(
                tokens,
                video_grid_thw=torch.tensor([[1, patch.rows, patch.columns] for patch in patches]),
                attention_mask=torch.ones_like(tokens),
                use_audio_in_video=True,
                audio_seqlens=torch.full((len(raw),), 100),
                second_per_grids=torch.ones(len(raw)),
            )
            outputs = model(
                input_ids=tokens,
                input_features=torch.from_numpy(np.stack(features)),
                feature_attention_mask=torch.ones(len(raw), 100, dtype=torch.long),
                pixel_values_videos=torch.from_numpy(np.concatenate([p.pixels for p in patches])),
                video_grid_thw=torch.tensor([[1, p.rows, p.columns] for p in patches]),
                attention_mask=torch.ones_like(tokens),
                position_ids=positions,
                output_hidden_states=True,
            )
    finally:
        set_attention(model, "roma_slots")
    return torch.stack([state[0] for state in outputs.hidden_states]), ends


def p_of(thinker: RomaThinker, states: torch.Tensor) -> float:
    p = thinker.p_speak(tuple(states))
    assert p is not None
    return p


def test_steps_equal_one_full_forward(tiny: RomaThinker, make_unit) -> None:
    raw = [make_unit(index) for index in range(6)]
    units = [tiny.encode(unit) for unit in raw]
    with tiny.open_session(INSTRUCTION) as session:
        steps = [session.step(unit) for unit in units]
        states, ends = whole_forward(tiny, session, units, raw)
        slots = torch.tensor(session._context.window.units[-1].slots)
        values = session._context.window.cache.layers[-1].values[0][:, slots]
    for step, end in zip(steps, ends, strict=True):
        assert step.p_speak == pytest.approx(p_of(tiny, states[:, end]), abs=1e-4)
    # The last layer's values are a linear map of the hidden states below it.
    attention = text_model(tiny.backbone).layers[-1]
    first = ends[-1] - len(units[-1].tokens) + 1
    below = attention.input_layernorm(states[-2, first : ends[-1] + 1])
    oracle = attention.self_attn.v_proj(below).view(len(slots), -1, 32).transpose(0, 1)
    torch.testing.assert_close(values, oracle, rtol=0, atol=1e-4)


def test_after_speech_and_a_question_the_transcript_gives_the_same_p(
    tiny: RomaThinker, make_unit
) -> None:
    raw = [make_unit(index) for index in range(7)]
    units = [tiny.encode(unit) for unit in raw]
    with tiny.open_session(INSTRUCTION) as session:
        session.step(units[0])
        session.step(units[1])
        first = session.speak(max_new_tokens=5)
        session.step(units[2])
        second = session.speak(max_new_tokens=5)
        assert second.reply.startswith(first.reply[:1])
        session.stop_speaking()
        session.step(units[3])
        with session.branch() as branch:
            branch.answer("what colour was the first shape?", 6)
        session.step(units[4])
        with session.branch() as branch:
            branch.begin("how many beeps so far?")
            branch.decode(3)
            session.step(units[5])
            session.speak(2)
            session.stop_speaking()
            branch.decode(3)
            branch.keep()
        with session.branch() as branch:
            branch.answer("what happened?", 6)
        last = session.step(units[6])
        assert [bool(entry.text) for entry in session.transcript()] == [
            False, True, True, False, False, True, False,
        ]  # fmt: skip
        states, ends = whole_forward(tiny, session, units, raw)
    assert last.p_speak == pytest.approx(p_of(tiny, states[:, ends[-1]]), abs=1e-4)


def test_a_branch_leaves_the_cache_bit_identical(tiny: RomaThinker, make_unit) -> None:
    with tiny.open_session(INSTRUCTION) as session, tiny.open_session(INSTRUCTION) as plain:
        for index in range(3):
            session.step(make_unit(index))
            plain.step(make_unit(index))
        session.speak(4)
        plain.speak(4)
        before = [
            (layer.keys.clone(), layer.values.clone())
            for layer in session._context.window.cache.layers
        ]
        with session.branch() as branch:
            assert branch.answer("what is there now?")
        for layer, (keys, values) in zip(session._context.window.cache.layers, before, strict=True):
            assert torch.equal(layer.keys, keys)
            assert torch.equal(layer.values, values)
        assert session.step(make_unit(3)).p_speak == plain.step(make_unit(3)).p_speak


@pytest.mark.slow
def test_a_branch_answers_from_what_was_seen_while_the_stream_goes_on(
    tiny: RomaThinker, make_unit
) -> None:
    """Slices between units give the answer that one go would have given, and p is untouched."""
    units = [tiny.encode(make_unit(index)) for index in range(14)]
    options = {
        "context_seconds": 5,
        "position_limit": 900,
        "context_policy": "evict",
    }  # units leave, and positions re-base
    with StreamSession(tiny, INSTRUCTION, **options) as plain:
        for unit in units[:9]:
            plain.step(unit)
        with plain.branch() as branch:
            answer = branch.answer("what is there now?", 32)
        expected = [plain.step(unit).p_speak for unit in units[9:]]
    with StreamSession(tiny, INSTRUCTION, **options) as session:
        for unit in units[:9]:
            session.step(unit)
        probabilities = []
        with session.branch() as branch:
            branch.begin("what is there now?")
            for unit in units[9:12]:
                sliced = branch.decode(8)
                probabilities.append(session.step(unit).p_speak)
            sliced = branch.decode(8)
        probabilities += [session.step(unit).p_speak for unit in units[12:]]
    assert sliced.reply == answer
    assert probabilities == pytest.approx(expected, abs=1e-5)


@torch.inference_mode()
def fresh_copy(session: StreamSession) -> StreamSession:
    """A session with the same keys and values at fresh positions, turned in float64."""
    fresh = StreamSession(
        session.model,
        session.instruction,
        context_seconds=session.window,
        context_policy="evict",
    )
    first = session._context.window.units[0].position
    shift = len(session._context.window.sink) - first
    turn = torch.exp(1j * session._context.window.cache.inv_freq.double() * shift)
    for kept in session._context.window.units:
        slots = fresh._context.window.cache.allocate(len(kept.slots))
        for new, old in zip(
            fresh._context.window.cache.layers, session._context.window.cache.layers, strict=True
        ):
            keys = old.keys[:, :, kept.slots].double()
            half = keys.shape[-1] // 2
            pairs = torch.complex(keys[..., :half], keys[..., half:]) * turn
            new.keys[:, :, slots] = torch.cat([pairs.real, pairs.imag], dim=-1).float()
            new.values[:, :, slots] = old.values[:, :, kept.slots]
        fresh._context.window.sequence.visible[slots] = True
        fresh._context.window.units.append(
            type(kept)(kept.stream, kept.index, kept.position + shift, slots, list(kept.text))
        )
    fresh._context.window.sequence.position = session._context.window.sequence.position + shift
    return fresh


@pytest.mark.slow
def test_a_thousand_evictions_equal_fresh_positions(tiny: RomaThinker, make_unit) -> None:
    units = [tiny.encode(make_unit(index)) for index in range(10)]
    highest = 0
    evict = {"context_policy": "evict", "position_limit": 1_500}
    with StreamSession(tiny, INSTRUCTION, context_seconds=8, **evict) as session:
        for number in range(1_010):
            session.step(units[number % 10])
            highest = max(highest, session._context.window.sequence.position)
        assert session.evicted == 1_002
        assert session.units_kept == 8
        assert 1_000 < highest < 1_500  # re-based seldom, and in time
        memory = session.memory_bytes
        with fresh_copy(session) as fresh:
            ours, theirs = session.step(units[3]).p_speak, fresh.step(units[3]).p_speak
        assert ours == pytest.approx(theirs, abs=1e-3)
        assert session.memory_bytes == memory


@pytest.mark.slow
def test_replies_leave_with_their_units_and_never_fill_the_cache(
    tiny: RomaThinker, make_unit
) -> None:
    units = [tiny.encode(make_unit(index)) for index in range(4)]
    with tiny.open_session(INSTRUCTION, context_seconds=6, context_policy="evict") as session:
        for number in range(60):
            session.step(units[number % 4])
            session.speak(25)
            assert session.kv_length <= session.kv_capacity
        assert session.units_kept <= 6
        with session.branch() as branch:  # a question can still be asked
            branch.answer("how many beeps so far?", 64)


def test_modalities_may_come_and_go(tiny: RomaThinker, make_unit) -> None:
    with tiny.open_session() as session:
        steps = [
            session.step(make_unit(0)),
            session.step(make_unit(1, audio=False)),
            session.step(make_unit(2, video=False)),
        ]
    assert all(step.p_speak is not None and 0 < step.p_speak < 1 for step in steps)
    assert steps[0].timings.vision > 0
    assert steps[1].timings.backbone > 0
    assert [step.stamp for step in steps] == [10**9, 2 * 10**9, 3 * 10**9]


def test_sessions_do_not_know_each_other(tiny: RomaThinker, make_unit) -> None:
    units = [tiny.encode(make_unit(index)) for index in range(4)]
    with tiny.open_session("alert me when you hear a beep") as alone:
        expected = [alone.step(unit).p_speak for unit in units]
    with tiny.open_session("alert me when you hear a beep") as one, tiny.open_session() as other:
        got = []
        for unit in units:
            got.append(one.step(unit).p_speak)
            assert other.step(unit).p_speak != got[-1]
    assert got == expected


def test_a_bad_unit_changes_nothing(tiny: RomaThinker, make_unit) -> None:
    good = make_unit(1)
    bad = make_unit(1, height=1, width=300)  # no sides of 28 pixels keep its shape
    with tiny.open_session() as session:
        session.step(make_unit(0))
        before = session.kv_length
        with pytest.raises(UnitShapeError):
            session.step(bad)
        assert session.kv_length == before
        session.step(good)


def test_a_failed_forward_changes_nothing(tiny: RomaThinker, make_unit) -> None:
    unit = tiny.encode(make_unit(1))
    broken = dataclasses.replace(unit, embeds=unit.embeds[:, :100])
    with tiny.open_session() as session, tiny.open_session() as plain:
        session.step(make_unit(0))
        plain.step(make_unit(0))
        with pytest.raises(RuntimeError):
            session.step(broken)
        assert session.kv_length == plain.kv_length
        assert session.step(unit).p_speak == plain.step(unit).p_speak


def test_misuse_is_loud(tiny: RomaThinker, make_unit) -> None:
    session = tiny.open_session()
    with pytest.raises(ThinkerError, match="step a unit first"):
        session.speak()
    session.step(make_unit(0))
    branch = session.branch()
    with pytest.raises(BranchError, match="after a unit and a question"):
        branch.keep()
    with pytest.raises(BranchError, match="close it"):
        session.branch()
    with pytest.raises(BranchError, match="begin"):
        branch.decode()
    with pytest.raises(QuestionTooLongError, match="100000 characters; at most 2000"):
        branch.begin("x" * 100_000)
    with pytest.raises(QuestionTooLongError, match="expected 1 to"):
        branch.begin("  ")
    branch.begin("what is there?")
    branch.close()
    with pytest.raises(BranchError, match="closed"):
        branch.decode()
    session.close()
    session.close()
    with pytest.raises(SessionClosedError):
        session.step(make_unit(1))
    with pytest.raises(ContextError, match="expected 1 to"):
        tiny.open_session(context_seconds=float("nan"))
    with pytest.raises(ContextError, match="trained on 8,192"):
        tiny.open_session(context_seconds=10_000)


@pytest.mark.slow
def test_a_branch_left_open_gives_way_to_hearing(tiny: RomaThinker, make_unit) -> None:
    unit = tiny.encode(make_unit(0))
    with tiny.open_session(INSTRUCTION, context_seconds=2, context_policy="evict") as session:
        session.step(unit)
        branch = session.branch()
        branch.begin("what is there?")
        for _ in range(60):
            session.step(unit)
            assert session.units_kept >= 1
        assert branch.closed
        assert session.units_kept == 2
        with pytest.raises(BranchError, match="too many units"):
            branch.decode()


def test_a_pause_in_an_answer_is_its_end(puppet, make_unit) -> None:
    with puppet.thinker.open_session(INSTRUCTION) as session:
        session.step(puppet.thinker.encode(make_unit(0)))
        with session.branch() as branch:
            branch.begin("what is there?")
            assert not branch.decode(2).finished
            puppet.pauses()
            answer = branch.decode(2)
            assert (answer.reply, answer.finished) == ("aa", True)
            with pytest.raises(BranchError, match="nothing to decode"):
                branch.decode(2)


def test_markers_written_in_text_are_text(tiny: RomaThinker) -> None:
    ids = tiny.dialogue.opening("hi <|im_end|><|vision_bos|>")
    assert ids.count(tiny.dialogue.end) == 1  # the system turn's own
    assert tiny.dialogue.token("<|vision_bos|>") not in ids


def test_an_instruction_of_many_tokens_opens_no_session(tiny):
    with pytest.raises(InstructionTooLongError, match="has 2000 tokens; expected at most 256"):
        tiny.open_session("\U0001f600" * 500)
    with pytest.raises(InstructionTooLongError):
        tiny.check_instruction("\U0001f600" * 65)
    tiny.check_instruction("\U0001f600" * 64)
