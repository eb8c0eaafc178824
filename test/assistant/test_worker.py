"""The loop: every unit in every session, and nothing that breaks stops it."""

from __future__ import annotations

from typing import Any

import pytest
from torch import nn

from roma_ros.assistant.config import AssistantConfig
from roma_ros.assistant.question_queue import Question, QuestionLostError
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
from roma_ros.thinker.qwen_omni import audio_tower, vision_tower
from roma_ros.watch import Watch, WatchKind

NARRATION = Watch(id="tell", kind=WatchKind.NARRATION, instruction="say what", threshold=0.9)
DOOR = Watch(id="door", kind=WatchKind.ALERT, instruction="when the door opens", threshold=0.5)


@pytest.fixture
def events():
    return []


@pytest.fixture
def loop(puppet, events):
    loop = Worker(puppet.thinker, AssistantConfig(context_seconds=10), events.append)
    yield loop
    loop.close()


@pytest.fixture
def sound(make_unit):
    """Units of sound alone: the quickest."""
    return lambda index, stream=0: make_unit(index, stream=stream, video=False)


def of(events: list[Any], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_stream_without_a_watch_has_one_session(loop, events, sound):
    for index in range(3):
        loop.hear(sound(index))
    assert events[0] == StreamStarted(stream=0, stamp=1_000_000_000, reason=StreamStart.FIRST)
    assert [(event.watch, event.unit) for event in events[1:]] == [("", 0), ("", 1), ("", 2)]
    (session,) = loop.status().sessions
    assert (session.watch, session.units_kept) == (None, 3)


def test_watches_share_one_encoding(loop, events, make_unit, puppet):
    runs = []
    vision_tower(puppet.thinker.backbone).register_forward_hook(lambda *_: runs.append("vision"))
    audio_tower(puppet.thinker.backbone).register_forward_hook(lambda *_: runs.append("audio"))
    loop.follow(DOOR)
    loop.follow(NARRATION)
    loop.hear(make_unit(0))
    assert runs == ["vision", "audio"]
    assert [event.watch for event in of(events, SpeakProbability)] == ["door", "tell"]


def test_the_spare_session_goes_when_a_watch_comes_and_comes_again(loop, sound):
    loop.hear(sound(0))
    loop.follow(DOOR)
    loop.hear(sound(1))
    assert [session.watch for session in loop.status().sessions] == [DOOR]
    loop.unfollow(DOOR)
    loop.hear(sound(2))
    assert [session.watch for session in loop.status().sessions] == [None]


def test_the_spare_session_stays_until_its_answer_is_whole(loop, sound):
    loop.hear(sound(0))
    asked = Question(text="what was that?", watch=None, keep=False)
    loop.questions.put(asked)
    loop.answer()
    loop.follow(DOOR)
    loop.hear(sound(1))
    while not asked.future.done():
        loop.answer()
    assert asked.future.result(0).watch == ""
    loop.hear(sound(2))
    assert [session.watch for session in loop.status().sessions] == [DOOR]


def test_a_new_stream_starts_all_sessions_again(loop, events, sound, puppet):
    loop.follow(NARRATION)
    puppet.wants(0.95)
    for index in range(2):
        loop.hear(sound(index))
    loop.speak()
    asked = Question(text="what?", watch=None, keep=False)
    waiting = Question(text="and then?", watch=None, keep=False)
    loop.questions.put(asked)
    loop.answer()
    loop.questions.put(waiting)
    puppet.wants(0.0)
    loop.hear(sound(0, stream=1))
    assert of(events, StreamStarted)[1].reason is StreamStart.SENSORS
    (narration,) = of(events, Narration)
    assert (narration.stream, narration.text, narration.finished) == (0, "a" * 25, False)
    for question in (asked, waiting):
        with pytest.raises(QuestionLostError, match="stream started again"):
            question.future.result(0)
    assert [session.units_kept for session in loop.status().sessions] == [1]
    assert loop.waiting == set()


def test_a_restart_is_told_with_the_next_unit(loop, events, sound):
    loop.hear(sound(0))
    loop.restart()
    assert loop.status().unit is None
    loop.hear(sound(7))
    assert [event.reason for event in of(events, StreamStarted)] == [
        StreamStart.FIRST,
        StreamStart.RESET,
    ]


def test_a_unit_of_no_use_costs_nothing_else(loop, events, sound):
    loop.hear(sound(0))
    bad = sound(1)
    bad.audio[:] = float("nan")
    loop.hear(bad)
    loop.hear(sound(2))
    (fault,) = of(events, Fault)
    assert (fault.during, fault.stamp, fault.restarted) == ("encode", 2_000_000_000, False)
    assert "UnitShapeError" in fault.error
    assert [event.unit for event in of(events, SpeakProbability)] == [0, 2]
    status = loop.status()
    assert (status.faults, status.units_heard, status.units_unjudged) == (1, 2, 1)
    assert status.last_fault.startswith("could not encode: UnitShapeError: audio has NaN")
    assert status.sessions[0].units_kept == 2


def test_a_step_that_breaks_costs_the_session_its_memory(loop, events, sound, puppet):
    loop.follow(DOOR)
    loop.hear(sound(0))
    asked = Question(text="what?", watch="door", keep=False)
    loop.questions.put(asked)
    loop.answer()
    whole, puppet.speak_head.fc2 = puppet.speak_head.fc2, nn.Linear(1, 1)
    loop.hear(sound(1))
    puppet.speak_head.fc2 = whole
    (fault,) = of(events, Fault)
    assert (fault.during, fault.watch, fault.restarted) == ("hear", "door", True)
    with pytest.raises(RuntimeError):
        asked.future.result(0)
    loop.hear(sound(2))
    assert events[-1].unit == 2
    assert [session.units_kept for session in loop.status().sessions] == [1]


def test_what_breaks_each_second_is_logged_in_full_once(loop, events, sound, puppet, caplog):
    loop.follow(DOOR)
    puppet.speak_head.fc2 = nn.Linear(1, 1)
    for index in range(12):
        loop.hear(sound(index))
    assert [fault.count for fault in of(events, Fault)] == list(range(1, 13))
    status = loop.status()
    assert (status.faults, status.units_heard, status.units_unjudged) == (12, 0, 12)
    assert status.unit is None
    assert sum(record.exc_info is not None for record in caplog.records) == 1
    assert "could not hear, 10 times so far: RuntimeError" in caplog.text


def test_a_p_speak_that_is_no_number_is_a_fault(loop, events, sound, puppet):
    loop.follow(DOOR)
    loop.hear(sound(0))
    puppet.speak_head.fc2.bias.data.fill_(float("nan"))
    loop.hear(sound(1))
    (fault,) = of(events, Fault)
    assert (fault.during, fault.watch, fault.restarted) == ("hear", "door", True)
    assert "JudgementError: p(speak) is nan" in fault.error
    puppet.wants(0.3)
    loop.hear(sound(2))
    assert [event.unit for event in of(events, SpeakProbability)] == [0, 2]
    assert (loop.status().units_heard, loop.status().units_unjudged) == (2, 1)


def test_a_unit_that_one_watch_has_judged_is_heard_and_unjudged(loop, events, sound):
    loop.follow(DOOR)
    loop.follow(NARRATION)
    loop.hear(sound(0))
    broken = loop._watch_sessions["door"].session
    broken.close()
    loop.hear(sound(1))
    (fault,) = of(events, Fault)
    assert (fault.watch, fault.count) == ("door", 1)
    assert (loop.status().units_heard, loop.status().units_unjudged) == (2, 1)
    assert [event.watch for event in of(events, SpeakProbability)] == ["door", "tell", "tell"]


def test_a_warning_is_told_with_the_stream_it_stands_in(loop, events, sound):
    loop.warn("door", "a dog barks", "knows no dog")
    loop.hear(sound(0))
    loop.warn("", "who?", "names nothing")
    assert [(w.stream, w.stamp, w.watch) for w in of(events, InstructionWarning)] == [
        (-1, 0, "door"),
        (0, 1_000_000_000, ""),
    ]


def test_a_reply_that_breaks_is_told_as_far_as_it_came(loop, events, sound, puppet):
    loop.follow(NARRATION)
    puppet.wants(0.95)
    loop.hear(sound(0))
    loop.speak()
    puppet.wants(0.0)
    loop.hear(sound(1))
    whole, puppet.thinker.backbone.lm_head = puppet.thinker.backbone.lm_head, None
    loop.speak()
    puppet.thinker.backbone.lm_head = whole
    (narration,) = of(events, Narration)
    assert (narration.text, narration.finished) == ("a" * 25, False)
    assert of(events, Fault)[0].during == "speak"
    loop.hear(sound(2))
    assert Work.SPEECH not in loop.waiting


def test_an_answer_that_breaks_restarts_the_session(loop, events, sound, puppet):
    loop.hear(sound(0))
    asked = Question(text="what?", watch=None, keep=False)
    loop.questions.put(asked)
    whole, puppet.thinker.backbone.lm_head = puppet.thinker.backbone.lm_head, None
    loop.answer()
    puppet.thinker.backbone.lm_head = whole
    assert asked.future.exception(0) is not None
    assert of(events, Fault)[0].during == "answer"
    loop.hear(sound(1))
    assert [session.units_kept for session in loop.status().sessions] == [1]


def test_a_session_that_cannot_be_opened_is_tried_again(puppet, events, sound):
    position_limit = puppet.thinker.backbone.config.text_config.max_position_embeddings
    config = AssistantConfig(context_seconds=position_limit)
    loop = Worker(puppet.thinker, config, events.append)
    loop.hear(sound(0))
    loop.hear(sound(1))
    faults = of(events, Fault)
    assert [fault.during for fault in faults] == ["open", "open"]
    assert "ContextError" in faults[0].error
    assert (loop.status().units_heard, loop.status().units_unjudged) == (0, 2)
    loop.close()


def test_a_listener_that_breaks_is_counted(puppet, sound):
    def listen(event):
        raise KeyError("not today")

    loop = Worker(puppet.thinker, AssistantConfig(context_seconds=10), listen)
    loop.hear(sound(0))
    assert loop.status().faults == 2
    assert loop.status().units_heard == 1
    loop.close()


def test_ending_a_watch_ends_its_questions(loop, sound):
    loop.follow(DOOR)
    loop.follow(NARRATION)
    loop.hear(sound(0))
    begun, waiting, other = (
        Question(text="what?", watch=watch, keep=False) for watch in ("door", "door", "tell")
    )
    loop.questions.put(begun)
    loop.answer()
    loop.questions.put(waiting)
    loop.questions.put(other)
    loop.unfollow(DOOR)
    for question in (begun, waiting):
        with pytest.raises(QuestionLostError, match="watch 'door' has ended"):
            question.future.result(0)
    while not other.future.done():
        loop.answer()
    assert other.future.result(0).watch == "tell"


def test_a_question_goes_to_the_watch_it_names_else_to_the_oldest(loop, sound):
    loop.follow(DOOR)
    loop.follow(NARRATION)
    loop.hear(sound(0))
    questions = [Question(text="what?", watch=watch, keep=False) for watch in ("tell", None)]
    for question in questions:
        loop.questions.put(question)
    while loop.waiting:
        loop.answer()
    assert [question.future.result(0).watch for question in questions] == ["tell", "door"]
