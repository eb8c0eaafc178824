"""Instructions that are heard: laid over the first units, and remembered when these have left."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from roma_ros.assistant import Assistant, AssistantConfig
from roma_ros.assistant.watch_session import WatchSession
from roma_ros.recording import Recording
from roma_ros.speech import SpeechError, Voice, say
from roma_ros.thinker import RomaThinker, StreamSession, UnitShapeError, synthesize_instruction
from roma_ros.units import MultimodalUnit
from roma_ros.watch import Watch, WatchError, WatchKind

INSTRUCTION = "alert me when a red circle appears"
SECONDS = 2  # units that it falls on


@pytest.fixture
def listener(tiny: RomaThinker) -> RomaThinker:
    """The same weights, said to have learnt spoken instructions alone."""
    return RomaThinker(
        backbone=tiny.backbone,
        tokenizer=tiny.tokenizer,
        features=tiny.features,
        config=replace(tiny.config, instructions="spoken"),
        speak_head=tiny.speak_head,
        name="listener",
    )


def mixed(unit: MultimodalUnit, sound: np.ndarray) -> MultimodalUnit:
    """By hand, what the unit sounds like with somebody speaking."""
    padded = np.zeros(16_000, np.float32)
    padded[: len(sound)] = sound
    if unit.audio is not None:
        padded += unit.audio
    return replace(unit, audio=np.clip(padded, -1, 1))


def test_it_is_read_out_in_seconds() -> None:
    spoken = synthesize_instruction(INSTRUCTION)
    np.testing.assert_array_equal(spoken, say(INSTRUCTION, Voice("en-us")))
    assert SECONDS - 1 < len(spoken) / 16_000 <= SECONDS
    with pytest.raises(SpeechError, match=r"takes \d+ s to say; expected at most 90 s"):
        synthesize_instruction("alert me, " * 130)


@pytest.mark.parametrize("sound", [True, False])
def test_it_is_laid_over_the_first_units_and_not_written(
    tiny: RomaThinker, listener: RomaThinker, make_unit, sound: bool
) -> None:
    """Equal to a stream in which somebody says it, under no instruction at all."""
    spoken = synthesize_instruction(INSTRUCTION)
    raw = [make_unit(index, audio=sound) for index in range(4)]
    said = [
        mixed(unit, spoken[16_000 * number : 16_000 * (number + 1)]) if number < SECONDS else unit
        for number, unit in enumerate(raw)
    ]
    with tiny.open_session() as session:
        expected = [session.step(unit).p_speak for unit in said]
    with listener.open_session(INSTRUCTION) as session:
        assert session.opening == tuple(tiny.dialogue.opening(None))
        assert [session.step(unit).p_speak for unit in raw] == expected
    with tiny.open_session(INSTRUCTION, spoken=spoken) as session:  # any checkpoint may be told so
        assert [session.step(listener.encode(unit)).p_speak for unit in raw] == expected
    with tiny.open_session(INSTRUCTION) as session:
        assert [session.step(unit).p_speak for unit in raw] != expected


def test_frames_are_encoded_once_for_all(
    listener: RomaThinker, make_unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit = listener.encode(make_unit(0))
    monkeypatch.setattr(listener, "encode_video", None)
    before = unit.embeds.clone()
    with listener.open_session(INSTRUCTION) as one, listener.open_session("something else") as two:
        assert one.step(unit).p_speak != two.step(unit).p_speak
    assert torch.equal(unit.embeds, before)


def turned(keys: torch.Tensor, session: StreamSession, by: int) -> torch.Tensor:
    """Keys (n, D) moved by some positions, in float64."""
    turn = torch.exp(1j * session._context.window.cache.inv_freq.double() * by)
    half = keys.shape[-1] // 2
    pairs = torch.complex(keys[..., :half].double(), keys[..., half:].double()) * turn
    return torch.cat([pairs.real, pairs.imag], dim=-1).float()


def test_its_sound_stays_when_its_units_leave(listener: RomaThinker, make_unit) -> None:
    units = [listener.encode(make_unit(index)) for index in range(9)]
    with listener.open_session(INSTRUCTION, context_seconds=3, context_policy="evict") as session:
        opening = len(session.opening)
        for unit in units[:SECONDS]:
            session.step(unit)
        heard = list(session._context.window.retained_slots())
        layer = session._context.window.cache.layers[-1]
        keys = layer.keys[0, 0, heard].clone()
        values = layer.values[0, 0, heard].clone()
        assert len(heard) == opening + SECONDS * (4 + 25)
        session.step(units[2])
        memory = session.memory_bytes
        for unit in units[3:]:
            session.step(unit)
        assert session.evicted == 6
        assert session._context.window.sink == heard
        assert session._context.window.sequence.visible[heard].all()
        # Six units have left, two of which have left their sound behind.
        assert session._context.window.sink_shift == 4 * 27
        torch.testing.assert_close(
            layer.keys[0, 0, heard], turned(keys, session, 4 * 27), atol=1e-4, rtol=0
        )
        assert torch.equal(layer.values[0, 0, heard], values)
        whole = sum(len(unit.tokens) for unit in units[-3:])
        assert session.kv_length == len(heard) + whole, "their frames are forgotten"
        assert session.memory_bytes == memory


def test_an_answer_does_not_mind_that_they_leave(listener: RomaThinker, make_unit) -> None:
    units = [listener.encode(make_unit(index)) for index in range(8)]
    options = {"context_seconds": 3, "context_policy": "evict"}
    with listener.open_session(INSTRUCTION, **options) as plain:
        for unit in units[:3]:
            plain.step(unit)
        with plain.branch() as branch:
            answer = branch.answer("what is there now?", 12)
        expected = [plain.step(unit).p_speak for unit in units[3:]]
    with listener.open_session(INSTRUCTION, **options) as session:
        for unit in units[:3]:
            session.step(unit)
        with session.branch() as branch:
            branch.begin("what is there now?")
            got = [session.step(unit).p_speak for unit in units[3:]]
            assert branch.decode(12).reply == answer
    assert got == pytest.approx(expected, abs=1e-5)


def test_it_may_be_longer_than_the_window(listener: RomaThinker, make_unit) -> None:
    spoken = np.tile(synthesize_instruction(INSTRUCTION), 3)[: 5 * 16_000]
    evict = {"context_seconds": 1, "context_policy": "evict"}
    with listener.open_session(INSTRUCTION, spoken=spoken, **evict) as session:
        for index in range(8):
            step = session.step(make_unit(index))
            session.speak(2)
        assert step.p_speak is not None
        assert len(session._context.window.sink) == len(session.opening) + 5 * 29
        assert session.units_kept == 1


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        (np.zeros(0, np.float32), r"shape \(0,\)"),
        (np.zeros((2, 16_000), np.float32), r"expected \(n,\) mono"),
        (np.zeros(91 * 16_000, np.float32), "at most 90 s"),
        (np.full(16_000, np.nan, np.float32), "NaN or infinite"),
    ],
)
def test_what_is_no_sound_is_refused(tiny: RomaThinker, sound: np.ndarray, says: str) -> None:
    with pytest.raises(UnitShapeError, match=says):
        tiny.open_session(INSTRUCTION, spoken=sound)


WATCH = Watch(id="red", kind=WatchKind.ALERT, instruction=INSTRUCTION, threshold=0.5)


def test_a_watch_may_bring_its_recording(listener: RomaThinker, tiny, make_unit) -> None:
    recording = Recording(synthesize_instruction("something else, in a voice of its own"))
    unit = listener.encode(make_unit(0))
    with tiny.open_session(INSTRUCTION, spoken=recording.samples) as session:
        expected = session.step(unit).p_speak
    for thinker in (listener, tiny):
        watch_session = WatchSession(replace(WATCH, recording=recording))
        watch_session.open(thinker, 4)
        watch_session.step(unit)
        assert watch_session.last_step is not None
        assert watch_session.last_step.p_speak == expected
        watch_session.close()


def test_a_watch_that_cannot_be_said_is_refused_at_once(
    listener: RomaThinker, monkeypatch: pytest.MonkeyPatch
) -> None:
    never_said = replace(WATCH, instruction="a sentence that nobody ever said")
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with Assistant(listener, AssistantConfig(), lambda event: None) as assistant:
        with pytest.raises(WatchError, match=r"only spoken instructions.*or give the watch a rec"):
            assistant.watch(never_said)
        assert assistant.watches == ()
        recording = Recording(np.full(16_000, 0.1, np.float32))
        assistant.watch(replace(never_said, recording=recording))
