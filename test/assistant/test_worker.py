"""The worker: every unit in every session, and nothing that breaks stops it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from torch import nn

from roma_ros.assistant.config import AssistantConfig
from roma_ros.assistant.question_queue import PendingQuestion, QuestionLostError
from roma_ros.assistant.scheduler import Work
from roma_ros.assistant.worker import Worker
from roma_ros.events import (
    Fault,
    InstructionWarning,
    Narration,
    SpeakProbability,
    StreamStart,
    StreamStarted,
)
from roma_ros.thinker import ContextPolicy
from roma_ros.thinker.qwen_omni import audio_tower, vision_tower
from roma_ros.watch import Watch, WatchKind

NARRATION = Watch(id="tell", kind=WatchKind.NARRATION, instruction="say what", threshold=0.9)
DOOR = Watch(id="door", kind=WatchKind.ALERT, instruction="when the door opens", threshold=0.5)


@pytest.fixture
def events():
    return []


@pytest.fixture
def worker(puppet, events):
    worker = Worker(puppet.thinker, AssistantConfig(context_seconds=10), events.append)
    yield worker
    worker.close()


@pytest.fixture
def sound(make_unit):
    """Units of sound alone: the quickest."""
    return lambda index, stream=0: make_unit(index, stream=stream, video=False)


def of(events: list[Any], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_stream_without_a_watch_has_one_session(worker, events, sound):
    for index in range(3):
        worker.process(sound(index))
    assert events[0] == StreamStarted(stream=0, stamp=1_000_000_000, reason=StreamStart.FIRST)
    assert [(event.watch, event.unit) for event in events[1:]] == [("", 0), ("", 1), ("", 2)]
    (session,) = worker.status().sessions
    assert (session.watch, session.units_kept) == (None, 3)


def test_watches_share_one_encoding(worker, events, make_unit, puppet):
    runs = []
    vision_tower(puppet.thinker.backbone).register_forward_hook(lambda *_: runs.append("vision"))
    audio_tower(puppet.thinker.backbone).register_forward_hook(lambda *_: runs.append("audio"))
    worker.add_watch(DOOR)
    worker.add_watch(NARRATION)
    worker.process(make_unit(0))
    assert runs == ["vision", "audio"]
    assert [event.watch for event in of(events, SpeakProbability)] == ["door", "tell"]


def test_the_spare_session_goes_when_a_watch_comes_and_comes_again(worker, sound):
    worker.process(sound(0))
    worker.add_watch(DOOR)
    worker.process(sound(1))
    assert [session.watch for session in worker.status().sessions] == [DOOR]
    worker.remove_watch(DOOR)
    worker.process(sound(2))
    assert [session.watch for session in worker.status().sessions] == [None]


def test_the_spare_session_stays_until_its_answer_is_whole(worker, sound):
    worker.process(sound(0))
    asked = PendingQuestion(text="what was that?", watch=None, keep=False)
    worker.questions.put(asked)
    worker.decode_answer()
    worker.add_watch(DOOR)
    worker.process(sound(1))
    while not asked.future.done():
        worker.decode_answer()
    assert asked.future.result(0).watch == ""
    worker.process(sound(2))
    assert [session.watch for session in worker.status().sessions] == [DOOR]


def test_a_new_stream_starts_all_sessions_again(worker, events, sound, puppet):
    worker.add_watch(NARRATION)
    puppet.wants(0.95)
    for index in range(2):
        worker.process(sound(index))
    worker.decode_reply()
    asked = PendingQuestion(text="what?", watch=None, keep=False)
    waiting = PendingQuestion(text="and then?", watch=None, keep=False)
    worker.questions.put(asked)
    worker.decode_answer()
    worker.questions.put(waiting)
    puppet.wants(0.0)
    worker.process(sound(0, stream=1))
    assert of(events, StreamStarted)[1].reason is StreamStart.SENSORS
    (narration,) = of(events, Narration)
    assert (narration.stream, narration.text, narration.finished) == (0, "a" * 25, False)
    for question in (asked, waiting):
        with pytest.raises(QuestionLostError, match="stream restarted"):
            question.future.result(0)
    assert [session.units_kept for session in worker.status().sessions] == [1]
    assert worker.ready == set()


def test_a_restart_is_told_with_the_next_unit(worker, events, sound):
    worker.process(sound(0))
    worker.reset()
    assert worker.status().unit is None
    worker.process(sound(7))
    assert [event.reason for event in of(events, StreamStarted)] == [
        StreamStart.FIRST,
        StreamStart.RESET,
    ]


def test_a_unit_of_no_use_costs_nothing_else(worker, events, sound):
    worker.process(sound(0))
    bad = sound(1)
    bad.audio[:] = float("nan")
    worker.process(bad)
    worker.process(sound(2))
    (fault,) = of(events, Fault)
    assert (fault.during, fault.stamp, fault.restarted) == ("encode", 2_000_000_000, False)
    assert "UnitShapeError" in fault.error
    assert [event.unit for event in of(events, SpeakProbability)] == [0, 2]
    status = worker.status()
    assert (status.faults, status.units_processed, status.units_failed) == (1, 2, 1)
    assert status.last_fault.startswith("could not encode: UnitShapeError: audio has NaN")
    assert status.sessions[0].units_kept == 2


def test_a_step_that_breaks_costs_the_session_its_memory(worker, events, sound, puppet):
    worker.add_watch(DOOR)
    worker.process(sound(0))
    asked = PendingQuestion(text="what?", watch="door", keep=False)
    worker.questions.put(asked)
    worker.decode_answer()
    whole, puppet.speak_head.fc2 = puppet.speak_head.fc2, nn.Linear(1, 1)
    worker.process(sound(1))
    puppet.speak_head.fc2 = whole
    (fault,) = of(events, Fault)
    assert (fault.during, fault.watch, fault.restarted) == ("step", "door", True)
    with pytest.raises(RuntimeError):
        asked.future.result(0)
    worker.process(sound(2))
    assert events[-1].unit == 2
    assert [session.units_kept for session in worker.status().sessions] == [1]


def test_what_breaks_each_second_is_logged_in_full_once(worker, events, sound, puppet, caplog):
    worker.add_watch(DOOR)
    puppet.speak_head.fc2 = nn.Linear(1, 1)
    for index in range(12):
        worker.process(sound(index))
    assert [fault.count for fault in of(events, Fault)] == list(range(1, 13))
    status = worker.status()
    assert (status.faults, status.units_processed, status.units_failed) == (12, 0, 12)
    assert status.unit is None
    assert sum(record.exc_info is not None for record in caplog.records) == 1
    assert "could not step, 10 times so far: RuntimeError" in caplog.text


def test_a_p_speak_that_is_no_number_is_a_fault(worker, events, sound, puppet):
    worker.add_watch(DOOR)
    worker.process(sound(0))
    puppet.speak_head.fc2.bias.data.fill_(float("nan"))
    worker.process(sound(1))
    (fault,) = of(events, Fault)
    assert (fault.during, fault.watch, fault.restarted) == ("step", "door", True)
    assert "JudgementError: p(speak) is nan" in fault.error
    puppet.wants(0.3)
    worker.process(sound(2))
    assert [event.unit for event in of(events, SpeakProbability)] == [0, 2]
    assert (worker.status().units_processed, worker.status().units_failed) == (2, 1)


def test_a_unit_that_one_watch_has_judged_is_heard_and_unjudged(worker, events, sound):
    worker.add_watch(DOOR)
    worker.add_watch(NARRATION)
    worker.process(sound(0))
    broken = worker._watch_sessions["door"].session
    broken.close()
    worker.process(sound(1))
    (fault,) = of(events, Fault)
    assert (fault.watch, fault.count) == ("door", 1)
    assert (worker.status().units_processed, worker.status().units_failed) == (2, 1)
    assert [event.watch for event in of(events, SpeakProbability)] == ["door", "tell", "tell"]


def test_a_warning_is_told_with_the_stream_it_stands_in(worker, events, sound):
    worker.warn("door", "a dog barks", "knows no dog")
    worker.process(sound(0))
    worker.warn("", "who?", "names nothing")
    assert [(w.stream, w.stamp, w.watch) for w in of(events, InstructionWarning)] == [
        (-1, 0, "door"),
        (0, 1_000_000_000, ""),
    ]


def test_a_reply_that_breaks_is_told_as_far_as_it_came(worker, events, sound, puppet):
    worker.add_watch(NARRATION)
    puppet.wants(0.95)
    worker.process(sound(0))
    worker.decode_reply()
    puppet.wants(0.0)
    worker.process(sound(1))
    whole, puppet.thinker.backbone.lm_head = puppet.thinker.backbone.lm_head, None
    worker.decode_reply()
    puppet.thinker.backbone.lm_head = whole
    (narration,) = of(events, Narration)
    assert (narration.text, narration.finished) == ("a" * 25, False)
    assert of(events, Fault)[0].during == "speak"
    worker.process(sound(2))
    assert Work.SPEECH not in worker.ready


def test_an_answer_that_breaks_restarts_the_session(worker, events, sound, puppet):
    worker.process(sound(0))
    asked = PendingQuestion(text="what?", watch=None, keep=False)
    worker.questions.put(asked)
    whole, puppet.thinker.backbone.lm_head = puppet.thinker.backbone.lm_head, None
    worker.decode_answer()
    puppet.thinker.backbone.lm_head = whole
    assert asked.future.exception(0) is not None
    assert of(events, Fault)[0].during == "answer"
    worker.process(sound(1))
    assert [session.units_kept for session in worker.status().sessions] == [1]


def test_a_session_that_cannot_be_opened_is_tried_again(puppet, events, sound):
    position_limit = puppet.thinker.backbone.config.text_config.max_position_embeddings
    config = AssistantConfig(context_seconds=position_limit)
    worker = Worker(puppet.thinker, config, events.append)
    worker.process(sound(0))
    worker.process(sound(1))
    faults = of(events, Fault)
    assert [fault.during for fault in faults] == ["open", "open"]
    assert "ContextError" in faults[0].error
    assert (worker.status().units_processed, worker.status().units_failed) == (0, 2)
    worker.close()


def test_sessions_without_time_to_open_begin_with_the_next_units(puppet, events, sound):
    worker = Worker(
        puppet.thinker, AssistantConfig(context_seconds=4, opening_seconds=0), events.append
    )
    for number in range(3):
        worker.add_watch(replace(DOOR, id=f"door_{number}"))
    seen = []
    for number in range(4):
        before = len(of(events, SpeakProbability))
        worker.process(sound(number))
        seen.append([event.watch for event in of(events, SpeakProbability)[before:]])
    names = ["door_0", "door_1", "door_2"]
    assert seen == [names[:1], names[:2], names, names]
    status = worker.status()
    assert (status.units_processed, status.units_failed) == (4, 0)
    assert [session.units_kept for session in status.sessions] == [4, 3, 2]
    worker.close()


def test_narrations_and_questions_go_on_across_handovers(puppet, events, sound):
    config = AssistantConfig(
        context_seconds=6,
        context_policy=ContextPolicy.HANDOVER,
        max_tokens_per_unit=2,
        reply_tokens=18,
        answer_tokens=24,
    )
    worker = Worker(puppet.thinker, config, events.append)
    worker.add_watch(NARRATION)
    answers = []
    for number in range(11):
        puppet.wants(1.0 if number == 0 else 0.0)
        worker.process(sound(number))
        if Work.SPEECH in worker.ready:
            worker.decode_reply()  # 2 of 18 tokens, across a handover
        if number in (5, 8):  # a handover is made at 6 and at 9
            answers.append(PendingQuestion(text="what was it?", watch=None, keep=True))
            worker.questions.put(answers[-1])
        if Work.ANSWER in worker.ready:
            worker.decode_answer()
    assert [event.text for event in of(events, Narration)] == ["a" * 18]
    assert [answer.future.result(0).kept for answer in answers] == [True, True]
    assert not of(events, Fault)
    (session,) = worker.status().sessions
    assert (session.units_kept, session.evicted) == (5, 6)
    worker.close()


def test_without_a_bound_all_sessions_see_the_first_unit(puppet, events, sound):
    worker = Worker(puppet.thinker, AssistantConfig(context_seconds=4), events.append)
    for number in range(3):
        worker.add_watch(replace(DOOR, id=f"door_{number}"))
    worker.process(sound(0))
    assert len(of(events, SpeakProbability)) == 3
    worker.close()


def test_a_listener_that_breaks_is_counted(puppet, sound):
    def listen(event):
        raise KeyError("not today")

    worker = Worker(puppet.thinker, AssistantConfig(context_seconds=10), listen)
    worker.process(sound(0))
    assert worker.status().faults == 2
    assert worker.status().units_processed == 1
    worker.close()


def test_ending_a_watch_ends_its_questions(worker, sound):
    worker.add_watch(DOOR)
    worker.add_watch(NARRATION)
    worker.process(sound(0))
    begun, waiting, other = (
        PendingQuestion(text="what?", watch=watch, keep=False) for watch in ("door", "door", "tell")
    )
    worker.questions.put(begun)
    worker.decode_answer()
    worker.questions.put(waiting)
    worker.questions.put(other)
    worker.remove_watch(DOOR)
    for question in (begun, waiting):
        with pytest.raises(QuestionLostError, match="watch 'door' has ended"):
            question.future.result(0)
    while not other.future.done():
        worker.decode_answer()
    assert other.future.result(0).watch == "tell"


@pytest.mark.slow
def test_a_question_goes_to_the_watch_it_names_else_to_the_oldest(worker, sound):
    worker.add_watch(DOOR)
    worker.add_watch(NARRATION)
    worker.process(sound(0))
    questions = [PendingQuestion(text="what?", watch=watch, keep=False) for watch in ("tell", None)]
    for question in questions:
        worker.questions.put(question)
    while worker.ready:
        worker.decode_answer()
    assert [question.future.result(0).watch for question in questions] == ["tell", "door"]
