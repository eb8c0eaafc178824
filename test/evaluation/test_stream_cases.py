"""What is measured on continuous streams is what sessions by themselves do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from roma_ros.evaluation.quiet_units import (
    looped,
    noise_and_still,
    read_footage_units,
    silence_and_black,
)
from roma_ros.evaluation.stream_cases import run_alerts, run_crowd, run_narration
from roma_ros.evaluation.stream_jobs import left_out, stream_jobs
from roma_ros.evaluation.stream_protocol import Context, EvalSection, StreamProtocol
from roma_ros.evaluation.stream_questions import run_spoken_questions
from roma_ros.evaluation.stream_sights import run_sights
from roma_ros.evaluation.stream_sounds import run_recordings
from roma_ros.evaluation.stream_watches import LEAD, spoken_cases, typed_case
from roma_ros.thinker import RomaThinker, StreamSession
from roma_ros.units import MultimodalUnit
from roma_ros.world import ContinuousStream, Plot, Split, make_continuous, split_of_clip
from roma_ros.world.sights import SIGHTS

from ..clips import Clip, write_clip
from ..world.recorded import write_esc_10

SEED = Split.TEST.seed(12345)
PROTOCOL = StreamProtocol(alerts=1, spoken_alerts=1, context=Context(seconds=8))


@pytest.fixture(scope="module")
def stream() -> ContinuousStream:
    return make_continuous(SEED, 24, scene_seconds=(7, 8), quiet_share=0, lead_seconds=LEAD)


def p_speak(session: StreamSession, units: Iterator[MultimodalUnit]) -> list[float]:
    found = [session.step(unit).p_speak for unit in units]
    return [value for value in found if value is not None]


@pytest.mark.slow
def test_alerts_are_those_of_sessions_by_themselves(
    tiny: RomaThinker, stream: ContinuousStream
) -> None:
    typed, *others = stream.alerts(6)
    cases = [
        typed_case(typed, "typed", fresh=True),
        *spoken_cases(others, 1, stream.seed, fresh=True),
    ]
    starts = [part.start for part in stream.parts]
    section = EvalSection.CONTINUOUS
    outcomes = run_alerts(tiny, PROTOCOL, section, "x", stream.units(), cases, starts=starts)
    by_text, by_voice = outcomes.alerts
    assert (by_text.group, by_voice.group) == ("typed", "spoken")
    with tiny.open_session(by_text.instruction, context_seconds=8) as session:
        alone = p_speak(session, stream.units())
    np.testing.assert_allclose(by_text.session.p_speak, alone, atol=1e-5)
    assert [session.start for session in by_text.fresh] == starts
    part = stream.parts[2]
    with tiny.open_session(by_text.instruction, context_seconds=8) as session:
        alone = p_speak(session, stream.units(part.start, part.end))
    np.testing.assert_allclose(by_text.fresh[2].p_speak, alone, atol=1e-5)
    # A fresh session hears the instruction in the lead, and then its scene.
    assert [session.start for session in by_voice.fresh] == starts[1:]
    with tiny.open_session(
        by_voice.instruction, context_seconds=8, spoken=cases[1].spoken
    ) as session:
        p_speak(session, stream.units(0, LEAD))
        alone = p_speak(session, stream.units(part.start, part.end))
    np.testing.assert_allclose(by_voice.fresh[1].p_speak, alone, atol=1e-5)
    (load,) = outcomes.loads
    assert len(load.unit_seconds) == stream.seconds
    assert len(set(load.cache_bytes.tolist())) == 1


@pytest.mark.slow
def test_questions_run_beside_the_alerts(tiny: RomaThinker, stream: ContinuousStream) -> None:
    outcomes = run_crowd(tiny, PROTOCOL, EvalSection.CONTINUOUS, stream, fresh=True)
    assert [alert.group for alert in outcomes.alerts] == ["typed", "spoken", "kept"]
    assert outcomes.alerts[2].instruction == outcomes.alerts[0].instruction
    assert outcomes.alerts[2].fresh is outcomes.alerts[0].fresh
    window = [a for a in outcomes.answers if a.mode == "window"]
    assert {a.fresh for a in window} == {False, True}
    present = [a for a in outcomes.answers if a.mode == "present"]
    assert [a.question for a in present if a.fresh] == [a.question for a in present if not a.fresh]


@pytest.mark.slow
def test_a_fresh_narration_sees_the_first_unit_of_the_next_scene(tiny: RomaThinker) -> None:
    stream = make_continuous(SEED, 20, plots=Plot.SEQUENCE, scene_seconds=(8, 10), quiet_share=0)
    outcomes = run_narration(tiny, PROTOCOL, EvalSection.CONTINUOUS, stream, fresh=True)
    (narration,) = outcomes.narrations
    assert [text.unit for text in narration.due] == [s.end for s in stream.segments]
    lengths = [len(session.p_speak) for session in narration.fresh]
    expected = [part.scene.seconds + 1 for part in stream.parts]
    expected[-1] -= 1
    assert lengths == expected


@pytest.mark.slow
def test_spoken_questions_are_asked_of_the_stream_and_of_fresh_sessions(tiny: RomaThinker) -> None:
    answers = run_spoken_questions(tiny, PROTOCOL, SEED, 40).answers
    assert {answer.mode for answer in answers} == {"spoken"}
    assert {answer.fresh for answer in answers} == {False, True}


@pytest.mark.slow
def test_each_kind_of_recording_has_an_alert_and_unknown_words_are_apart(
    tiny: RomaThinker, tmp_path: Path
) -> None:
    protocol = StreamProtocol(recordings=write_esc_10(tmp_path))
    outcomes = run_recordings(tiny, protocol, SEED, 12)
    known = [a for a in outcomes.alerts if a.section is EvalSection.RECORDINGS]
    unknown = [a for a in outcomes.alerts if a.section is EvalSection.UNKNOWN]
    assert {alert.kind for alert in known} == {"dog", "rain", "waves", "baby"}
    assert sum(alert.labels.any() for alert in known) >= 2
    assert len(unknown) == 6
    assert not any(alert.labels.any() for alert in unknown)


@pytest.mark.slow
def test_each_sight_has_an_alert_over_footage_of_the_test_split(
    tiny: RomaThinker, tmp_path: Path
) -> None:
    names = (f"clip{number}.mp4" for number in itertools.count())
    held_out = next(name for name in names if split_of_clip(name) is Split.TEST)
    write_clip(tmp_path / held_out, Clip(seconds=3))
    outcomes = run_sights(tiny, StreamProtocol(footage=tmp_path), SEED, 12, 1)
    assert len({alert.kind for alert in outcomes.alerts}) == len(SIGHTS)
    assert {alert.stream for alert in outcomes.alerts} == {f"{held_out}, stream 1"}
    assert all(alert.unclear is not None for alert in outcomes.alerts)
    (tmp_path / held_out).unlink()
    (reason,) = run_sights(tiny, StreamProtocol(footage=tmp_path), SEED, 12, 0).left_out
    assert reason.startswith("sights: footage: ")


def test_quiet_streams_have_nothing_on_them(tmp_path: Path) -> None:
    silent = list(silence_and_black(3))
    noisy = list(noise_and_still(SEED, 3))
    for units in (silent, noisy):
        assert [unit.index for unit in units] == [0, 1, 2]
    assert not any(unit.audio.any() or unit.frames.any() for unit in silent)  # type: ignore[union-attr]
    assert np.array_equal(noisy[0].frames, noisy[2].frames)  # type: ignore[arg-type]
    assert not np.array_equal(noisy[0].audio, noisy[2].audio)  # type: ignore[arg-type]
    write_clip(tmp_path / "clip.mp4", Clip(seconds=3))
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    footage = read_footage_units(tmp_path)
    units = list(looped(footage, 2 * len(footage) + 1))
    assert [unit.index for unit in units] == list(range(len(units)))
    assert np.array_equal(units[-1].frames, footage[0].frames)  # type: ignore[arg-type]


def test_sections_without_a_folder_are_left_out_with_a_reason(tmp_path: Path) -> None:
    jobs = stream_jobs(StreamProtocol())
    assert {job.section for job in jobs} == {
        *(EvalSection.CONTINUOUS, EvalSection.LONG, EvalSection.QUIET, EvalSection.UNKNOWN)
    }
    assert jobs == sorted(jobs, key=lambda job: -job.seconds)
    reasons = left_out(StreamProtocol())
    assert [reason.split(":")[0] for reason in reasons] == [
        "quiet, real footage",
        "recordings",
        "sights",
    ]
    whole = StreamProtocol(recordings=tmp_path, footage=tmp_path)
    assert not left_out(whole)
    assert len(stream_jobs(whole)) > len(jobs)


def test_a_spoken_instruction_fits_into_the_lead(stream: ContinuousStream) -> None:
    cases = list(spoken_cases(stream.alerts(6), 3, stream.seed, fresh=False))
    assert len(cases) == 3
    for case in cases:
        assert case.spoken is not None
        assert 0 < len(case.spoken) < LEAD * 16_000
