"""What left the window is recorded, found again and placed before it on a branch."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from roma_ros.thinker import ContextError, RomaThinker, StreamSession
from roma_ros.thinker.look_back import asks_about_past, record_bytes
from roma_ros.thinker.memory import Memory, MemoryRecord, dequantize, quantize
from roma_ros.units import MultimodalUnit

MakeUnit = Callable[..., MultimodalUnit]
QUESTION = "has there been a red circle?"
POLICIES = ("evict", "handover")


def a_record(index: int, pooled: torch.Tensor | None = None, tokens: int = 4) -> MemoryRecord:
    """Record of random vectors, the same for the same index."""
    random = torch.Generator().manual_seed(index)
    vectors = torch.randn(2, 1, tokens, 8, generator=random)
    if pooled is None:
        pooled = torch.randn(2, 2, 1, 8, generator=random)
    return MemoryRecord(
        stream=0,
        index=index,
        first_stamp=index,
        last_stamp=index,
        units=1,
        text=(),
        span=tokens,
        keys=quantize(vectors),
        values=quantize(vectors),
        pooled=pooled.half(),
    )


def test_int8_is_off_by_half_a_scale_at_most() -> None:
    vectors = torch.randn(3, 2, 50, 16) * torch.logspace(-6, 4, 50)[:, None]
    vectors[0, 0, 0] = 0
    quantized = quantize(vectors)
    error = (dequantize(quantized) - vectors).abs()
    assert (error <= 0.501 * quantized.scales[..., None] + 1e-30).all()
    assert quantized.codes.dtype == torch.int8
    assert not dequantize(quantized)[0, 0, 0].any()


def test_memory_stays_below_its_budget_over_thousands_of_units() -> None:
    size = a_record(0).nbytes
    memory = Memory(20 * size + 1)
    for index in range(3_000):
        memory.record(a_record(index))
        assert memory.nbytes <= memory.budget_bytes
    statistics = memory.statistics
    assert statistics.nbytes == sum(record.nbytes for record in memory.records)
    assert statistics.recorded == 3_000 == statistics.units + statistics.forgotten
    stamps = [record.last_stamp for record in memory.records]
    assert stamps == sorted(stamps)
    assert stamps[-1] == 2_999


def test_near_duplicates_are_one_record_with_the_stamps_of_all() -> None:
    memory = Memory(1_000_000)
    for index in range(10):
        memory.record(a_record(index))
    still = torch.ones(2, 2, 1, 8)
    for index in range(10, 500):
        memory.record(a_record(index, pooled=still + 1e-3 * index / 500))
    *_, last = memory.records
    assert len(memory) == 11
    assert (last.first_stamp, last.last_stamp, last.index, last.units) == (10, 499, 499, 490)
    assert memory.statistics.merged == 489


def test_a_record_with_text_is_not_merged() -> None:
    memory = Memory(1_000_000)
    still = torch.ones(2, 2, 1, 8)
    for index in range(5):
        memory.record(replace(a_record(index, pooled=still), text=(index + 1,)))
    assert [record.text for record in memory.records] == [(1,), (2,), (3,), (4,), (5,)]


def test_the_best_match_is_found_whatever_all_records_have_in_common() -> None:
    memory = Memory(1_000_000)
    common = 50 * torch.ones(2, 2, 1, 8)
    wanted = torch.zeros(2, 2, 1, 8)
    wanted[..., 3] = 4
    for index in range(30):
        record = a_record(index)
        special = wanted if index in (7, 21) else 0
        memory.record(replace(record, pooled=(record.pooled + common + special).half()))
    assert [record.index for record in memory.match(wanted[0], 2)] == [7, 21]
    assert memory.match(wanted[0], 0) == []
    assert len(memory.match(wanted[0], 100)) == len(memory)


def test_no_budget_and_too_small_a_budget_keep_nothing() -> None:
    for budget in (0, a_record(0).nbytes - 1):
        memory = Memory(budget)
        memory.record(a_record(0))
        assert len(memory) == memory.nbytes == 0
        assert memory.statistics.forgotten == 1
    with pytest.raises(ValueError, match="expected 0 or more"):
        Memory(-1)


def test_after_clear_nothing_is_found() -> None:
    memory = Memory(1_000_000)
    memory.record(a_record(0))
    memory.clear()
    assert memory.match(torch.ones(2, 1, 8), 3) == []
    assert memory.statistics.recorded == memory.nbytes == 0
    memory.record(a_record(1))
    assert len(memory) == 1


@pytest.mark.parametrize("megabytes", [1e-3, 1e9])
def test_a_budget_that_does_not_fit_is_reported_and_the_session_goes_on(
    tiny: RomaThinker, make_unit: MakeUnit, megabytes: float, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        tiny.open_session(context_seconds=2, memory_megabytes=megabytes) as session,
    ):
        assert session.memory is None
        assert session.step(make_unit(0)).p_speak is not None
    assert "the session has no memory" in caplog.text


@pytest.mark.parametrize("megabytes", [-1, float("nan"), float("inf")])
def test_a_budget_that_is_no_number_of_bytes_is_refused(
    tiny: RomaThinker, megabytes: float
) -> None:
    with pytest.raises(ContextError, match="memory_megabytes is"):
        tiny.open_session(memory_megabytes=megabytes)


@pytest.mark.parametrize(
    ("question", "past"),
    [
        ("is there a red circle now?", False),
        ("what do you see?", False),
        ("has anybody been here in the last ten minutes?", True),
        ("how many beeps so far?", True),
        ("which came first, a beep or a knock?", True),
    ],
)
def test_words_of_the_past_make_a_question_look_back(question: str, past: bool) -> None:
    assert asks_about_past(question) is past


@pytest.mark.parametrize("policy", POLICIES)
def test_every_unit_that_left_is_recorded_once(
    tiny: RomaThinker, make_unit: MakeUnit, policy: str
) -> None:
    units = [tiny.encode(make_unit(index, height=28, width=56)) for index in range(23)]
    with tiny.open_session(
        context_seconds=6, context_policy=policy, memory_megabytes=20
    ) as session:
        for unit in units:
            session.step(unit)
            if unit.index % 4 == 0:
                session.speak(3)
                session.stop_speaking()
            memory = session.memory
            assert memory is not None
            sight = [entry.index for entry in session.transcript()]
            left = [record.index for record in memory.records]
            assert memory.statistics.units == session.evicted
            assert [*left, *sight][-len(sight) - 1 :] == list(
                range(unit.index + 1)[-len(sight) - 1 :]
            )
            for record in memory.records:
                assert record.last_stamp == units[record.index].stamp
                assert record.nbytes <= record_bytes(tiny) * 2


def answer_states(session: StreamSession, *, look_back: bool) -> tuple[torch.Tensor, int]:
    """States of all layers at the end of a question on a branch, and records looked back at."""
    with torch.inference_mode(), session.branch() as branch:
        branch.begin(QUESTION, look_back=look_back)
        hidden = branch.sequence.extend_temporarily(session.model.embed(branch._pending))
        return torch.stack(hidden), len(branch.looked_back)


def assert_equal_in_the_window_and_looked_back(
    thinker: RomaThinker, make_unit: MakeUnit, tolerance: float
) -> None:
    with thinker.open_session(
        "watch", context_seconds=9, context_policy="evict", memory_megabytes=50
    ) as session:
        for index in range(8):
            session.step(make_unit(index, height=56, width=56 if index % 2 else 84))
            if index == 1:
                session.speak(3)
                session.stop_speaking()
        in_window, none = answer_states(session, look_back=True)
        with torch.inference_mode():
            session._context.window.evict_beyond(4)
            session._context.window.make_room(0)
        without, _ = answer_states(session, look_back=False)
        looked_back, records = answer_states(session, look_back=True)
        assert none == 0
        assert records == 4
    error = (looked_back[-1] - in_window[-1]).norm() / in_window[-1].norm()
    forgotten = (without[-1] - in_window[-1]).norm() / in_window[-1].norm()
    assert error < tolerance
    assert forgotten > 3 * error


def test_a_unit_looked_back_at_counts_as_if_it_were_in_the_window(
    tiny: RomaThinker, make_unit: MakeUnit
) -> None:
    assert_equal_in_the_window_and_looked_back(tiny, make_unit, 0.01)


@pytest.mark.slow
def test_the_same_at_the_width_of_3b(make_unit: MakeUnit, tmp_path: Path) -> None:
    from roma_ros.planning import read_model_config
    from roma_ros.speed import make_random_thinker

    config = read_model_config("3b")
    config["text_config"] |= {"num_hidden_layers": 3, "vocab_size": 1024, "max_window_layers": 3}
    config["text_config"].pop("layer_types", None)
    config["vision_config"] |= {"depth": 1}
    config["audio_config"] |= {"encoder_layers": 1}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    thinker = make_random_thinker(
        str(tmp_path), device=torch.device("cpu"), dtype=torch.float32, max_pixels=6_272
    )
    assert_equal_in_the_window_and_looked_back(thinker, make_unit, 0.01)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_branch_that_looks_back_leaves_the_session_as_it_was(
    tiny: RomaThinker, make_unit: MakeUnit, policy: str
) -> None:
    units = [tiny.encode(make_unit(index, height=56, width=56)) for index in range(12)]
    options = {"context_seconds": 4, "context_policy": policy, "memory_megabytes": 20}
    with (
        tiny.open_session("watch", **options) as session,
        tiny.open_session("watch", **options) as plain,
    ):
        for unit in units[:9]:
            session.step(unit)
            plain.step(unit)
        cache = session._context.window.cache
        slots = cache.slots_in_use()
        before = cache.read(slots)
        branch = session.branch()
        assert branch.answer(QUESTION, 6)
        assert branch.looked_back
        assert branch.known_since == branch.looked_back[0].first_stamp
        branch.close()
        assert cache.slots_in_use() == slots
        assert all(map(torch.equal, cache.read(slots), before))
        assert session.step(units[9]).p_speak == plain.step(units[9]).p_speak
        with session.branch() as branch:  # units leave before the question is set
            session.step(units[10])
            session.step(units[11])
            assert branch.answer("what is there now?", 2)
            assert not branch.looked_back
            assert branch.known_since == units[10 - session.units_kept].stamp or policy != "evict"


def test_units_that_leave_while_a_branch_is_open_are_not_looked_back_at(
    tiny: RomaThinker, make_unit: MakeUnit
) -> None:
    with tiny.open_session(
        context_seconds=4, context_policy="evict", memory_megabytes=20
    ) as session:
        session.step(make_unit(0))
        session.speak(3)  # a unit with a text is not merged with the next ones
        session.stop_speaking()
        for index in range(1, 5):
            session.step(make_unit(index))
        with session.branch() as branch:
            for index in range(5, 8):
                session.step(make_unit(index))
            branch.begin(QUESTION)
            assert [record.index for record in branch.looked_back] == [0]


def test_a_closed_session_keeps_no_record(tiny: RomaThinker, make_unit: MakeUnit) -> None:
    session = tiny.open_session(context_seconds=1, memory_megabytes=20)
    for index in range(3):
        session.step(make_unit(index))
    memory = session.memory
    assert memory is not None
    assert len(memory) == 2
    session.close()
    assert len(memory) == 0
