"""Sessions that continue in a second context when the first is full."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from roma_ros.thinker import (
    BranchError,
    ContextError,
    ContextPolicy,
    EncodedUnit,
    RomaThinker,
    SpeakSource,
    TranscriptEntry,
)
from roma_ros.thinker.stream_context import ContextUnit
from roma_ros.units import MultimodalUnit

INSTRUCTION = "alert me when a red circle appears"
WINDOW = 6
OPTIONS: dict[str, Any] = {"context_seconds": WINDOW, "context_policy": "handover"}


def units_of(tiny: RomaThinker, make_unit, count: int) -> list[EncodedUnit]:
    return [tiny.encode(make_unit(index, height=28, width=56)) for index in range(count)]


def fresh_p(
    tiny: RomaThinker,
    entries: Sequence[TranscriptEntry],
    units: Sequence[EncodedUnit],
    instruction: str | None = INSTRUCTION,
    before: Sequence[EncodedUnit] = (),
) -> float | None:
    """p(speak) after the last entry, in a session that is opened for them with the same texts."""
    with tiny.open_session(instruction, context_seconds=60, context_policy="evict") as fresh:
        parts = [ContextUnit(unit) for unit in before]
        parts += [ContextUnit(units[entry.index], list(entry.text)) for entry in entries]
        with torch.inference_mode():
            return fresh._context.p_speak(fresh._context.append(parts))


def test_it_equals_fresh_sessions_with_the_same_replies(tiny: RomaThinker, make_unit) -> None:
    units = units_of(tiny, make_unit, 3 * WINDOW + 2)
    kept = []
    with tiny.open_session(INSTRUCTION, **OPTIONS) as session:
        for unit in units:
            step = session.step(unit)
            entries = session.transcript()
            assert [entry.index for entry in entries][-1] == unit.index
            assert step.p_speak == pytest.approx(fresh_p(tiny, entries, units), abs=1e-5)
            if unit.index % 2:
                session.speak(3)
            if unit.index % 5 == 0:
                session.stop_speaking()
            if unit.index % 4 == 0:
                with session.branch() as branch:
                    branch.answer("what was there?", 4)
                    branch.keep()
            kept.append(session.units_kept)
    assert kept == [1, 2, 3, 4, 5, 6, *[4, 5, 6] * 4, 4, 5]


@pytest.mark.parametrize(("window", "overlap"), [(2, 1), (5, None), (8, 1), (7, 2)])
def test_any_overlap_stays_in_sight(
    tiny: RomaThinker, make_unit, window: int, overlap: int | None
) -> None:
    units = units_of(tiny, make_unit, 3 * window)
    with tiny.open_session(
        INSTRUCTION,
        context_seconds=window,
        context_policy=ContextPolicy.HANDOVER,
        handover_overlap=overlap,
    ) as session:
        assert session.overlap == (overlap or window // 2)
        for unit in units:
            before = session.units_kept
            step = session.step(unit)
            full = before == window
            assert session.units_kept == (session.overlap if full else before) + 1
            assert session.evicted + session.units_kept == unit.index + 1
            entries = session.transcript()
            assert step.p_speak == pytest.approx(fresh_p(tiny, entries, units), abs=1e-5)


def test_its_memory_is_constant(tiny: RomaThinker, make_unit) -> None:
    (unit,) = units_of(tiny, make_unit, 1)
    options = {"context_seconds": 8}
    with (
        tiny.open_session(INSTRUCTION, context_policy="handover", **options) as session,
        tiny.open_session(INSTRUCTION, context_policy="evict", **options) as evicting,
    ):
        memory, capacity, lengths = session.memory_bytes, session.kv_capacity, []
        caches = {id(session._context.window.cache), id(session._spare)}
        assert evicting.memory_bytes < memory <= 1.8 * evicting.memory_bytes
        for _ in range(200):
            session.step(unit)
            lengths.append(session.kv_length)
            assert (session.memory_bytes, session.kv_capacity) == (memory, capacity)
            held = [context.window.cache for context in session._contexts()]
            held += [session._spare] if session._spare else []
            assert {id(cache) for cache in held} == caches
            assert sum(cache.memory_bytes for cache in held) == memory
        assert max(lengths[100:]) == max(lengths[:100])
        assert session._next is None or session._next.window.evicted == 0
        assert session._context.window.evicted == 0
    assert (session.kv_length, session.kv_capacity, session.memory_bytes) == (0, 0, 0)
    assert session.evicted + session.units_kept == 200


def test_an_open_branch_outlives_the_handover(tiny: RomaThinker, make_unit) -> None:
    units = units_of(tiny, make_unit, 12)
    with tiny.open_session(INSTRUCTION, **OPTIONS) as plain:
        for unit in units[:5]:
            plain.step(unit)
        with plain.branch() as branch:
            answer = branch.answer("what is there now?", 12)
    with tiny.open_session(INSTRUCTION, **OPTIONS) as session:
        for unit in units[:5]:
            session.step(unit)
        branch = session.branch()
        branch.begin("what is there now?")
        branch.decode(4)
        for unit in units[5:8]:
            session.step(unit)
        assert session.units_kept == 5, "handed over"
        with pytest.raises(BranchError, match="has an open branch"):
            session.branch()
        assert branch.decode(8).reply == answer
        branch.keep()
        branch.close()
        text = session.transcript()[-1].text
        question = tuple(tiny.dialogue.text("what is there now?"))
        assert text[: len(question)] == question
        for unit in units[8:]:
            step = session.step(unit)
            entries = session.transcript()
            assert step.p_speak == pytest.approx(fresh_p(tiny, entries, units), abs=1e-5)
        assert text in [entry.text for entry in session.transcript()]


def test_a_branch_gives_way_to_the_second_handover(tiny: RomaThinker, make_unit) -> None:
    units = units_of(tiny, make_unit, 14)
    with tiny.open_session(INSTRUCTION, **OPTIONS) as session:
        for unit in units[:6]:
            session.step(unit)
        branch = session.branch()
        branch.begin("what is there now?")
        for unit in units[6:9]:
            session.step(unit)
            assert not branch.closed
        for unit in units[9:]:
            step = session.step(unit)
            assert branch.closed
            entries = session.transcript()
            assert step.p_speak == pytest.approx(fresh_p(tiny, entries, units), abs=1e-5)
        with pytest.raises(BranchError, match="closed"):
            branch.decode()
        with session.branch() as other:
            other.answer("and now?", 2)


def test_a_paused_reply_goes_on(puppet, make_unit) -> None:
    units = units_of(puppet.thinker, make_unit, 9)
    with puppet.thinker.open_session(
        INSTRUCTION, context_seconds=WINDOW, context_policy="handover"
    ) as session:
        for count, unit in enumerate(units, 1):
            session.step(unit)
            said = session.speak(2)
            assert said.reply == "a" * 2 * count
            assert session.speaking
        assert all(entry.text for entry in session.transcript())
        puppet.falls_silent()
        assert session.speak(2).finished
        assert not session.speaking


def test_a_spoken_instruction_precedes_each_context(tiny: RomaThinker, make_unit) -> None:
    units = units_of(tiny, make_unit, 11)
    spoken = (0.1 * np.random.default_rng(1).standard_normal(40_000)).astype(np.float32)
    pieces = np.pad(spoken, (0, 8_000)).reshape(3, 16_000)
    audio = [tiny.encode(MultimodalUnit(0, -1, 0, None, piece)) for piece in pieces]
    with tiny.open_session(
        spoken=spoken, context_seconds=WINDOW, context_policy="handover"
    ) as session:
        for unit in units:
            step = session.step(unit)
            if unit.index < WINDOW:
                continue
            entries = session.transcript()
            expected = fresh_p(tiny, entries, units, None, before=audio)
            assert step.p_speak == pytest.approx(expected, abs=1e-5)
            assert len(session._context.window.sink) == len(session.opening) + 3 * 27


def test_a_context_full_of_text_hands_over_early(tiny: RomaThinker, make_unit) -> None:
    units = units_of(tiny, make_unit, 20)
    kept = []
    with tiny.open_session(INSTRUCTION, **OPTIONS) as session:
        for unit in units:
            step = session.step(unit)
            entries = session.transcript()
            assert step.p_speak == pytest.approx(fresh_p(tiny, entries, units), abs=1e-5)
            with session.branch() as branch:
                branch.begin("red " * 200)
                branch.keep()
            kept.append(session.units_kept)
            assert session._context.window.evicted == 0
    assert 3 < max(kept) < WINDOW


def test_the_question_after_each_unit_is_for_the_first_context_alone(
    tiny: RomaThinker, make_unit
) -> None:
    config = dataclasses.replace(tiny.config, speak_source=SpeakSource.YES_NO.value)
    asker = RomaThinker(
        backbone=tiny.backbone,
        tokenizer=tiny.tokenizer,
        features=tiny.features,
        config=config,
        speak_head=None,
    )
    units = units_of(asker, make_unit, 9)
    with asker.open_session(INSTRUCTION, context_seconds=4, context_policy="handover") as session:
        for unit in units:
            step = session.step(unit)
            expected = fresh_p(asker, session.transcript(), units)
            assert step.p_speak == pytest.approx(expected, abs=1e-5)


def test_the_default_is_the_checkpoint_s(tiny: RomaThinker) -> None:
    assert tiny.context_policy is ContextPolicy.HANDOVER
    config = dataclasses.replace(tiny.config, trained_context_policy="evict")
    evicting = RomaThinker(
        backbone=tiny.backbone,
        tokenizer=tiny.tokenizer,
        features=tiny.features,
        config=config,
        speak_head=tiny.speak_head,
    )
    with tiny.open_session(context_seconds=9) as session:
        assert (session.window, session.overlap) == (9, 4)
    with evicting.open_session(context_seconds=9) as session:
        assert session.overlap == 0
    with tiny.open_session(context_seconds=1) as session:
        assert session.overlap == 0, "a window of one unit has nothing to hand over"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"context_seconds": 0}, "context_seconds is 0; expected 1 to 86,400"),
        ({"context_seconds": float("inf")}, "context_seconds is inf"),
        ({"context_seconds": 86_400}, r"backbone was trained on .* at most [\d,]+ s fit"),
        (
            {"context_policy": "forget"},
            r"is 'forget'; expected one of \['auto'",
        ),
        ({"context_seconds": 20, "handover_overlap": 20}, "half of the window, which is 10 s"),
        ({"context_seconds": 20, "handover_overlap": 11}, "handover_overlap is 11 s"),
        ({"context_seconds": 20, "handover_overlap": 0}, "handover_overlap is 0 s; expected 1 s"),
        ({"handover_overlap": float("nan")}, "handover_overlap is nan s"),
    ],
)
def test_bad_input_is_reported(tiny: RomaThinker, options, message: str) -> None:
    with pytest.raises(ContextError, match=message):
        tiny.open_session(INSTRUCTION, **options)


def test_what_fits_does_fit(tiny: RomaThinker) -> None:
    with pytest.raises(ContextError) as raised:
        tiny.open_session(INSTRUCTION, context_seconds=86_400)
    fits = int(str(raised.value).split("at most ")[1].split(" s fit")[0].replace(",", ""))
    with tiny.open_session(INSTRUCTION, context_seconds=fits) as session:
        assert session.window == fits
    with pytest.raises(ContextError):
        tiny.open_session(INSTRUCTION, context_seconds=fits + 1)


def test_a_session_without_memory_says_so(tiny: RomaThinker, monkeypatch) -> None:
    def fails(*_: object, **__: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(torch, "zeros", fails)
    with pytest.raises(ContextError, match="too little memory"):
        tiny.open_session(INSTRUCTION)
