"""The answer questions: bounded, first come first served, and no future is left open."""

from __future__ import annotations

import time

import pytest

from roma_ros.assistant.question_queue import (
    EmptyQuestionError,
    PendingQuestion,
    QuestionCancelledError,
    QuestionLostError,
    QuestionQueue,
    TooManyQuestionsError,
)
from roma_ros.assistant.watch_session import WatchSession
from roma_ros.events import Answer
from roma_ros.thinker import QuestionTooLongError, SessionClosedError


def question(text: str = "what do you hear?", watch: str | None = None, keep: bool = False):
    return PendingQuestion(text=text, watch=watch, keep=keep)


@pytest.fixture
def watch_session(puppet, make_unit):
    """Has heard one unit."""
    watch_session = WatchSession(None)
    watch_session.open(puppet.thinker, context_seconds=10)
    watch_session.step(puppet.thinker.encode(make_unit(0, video=False)))
    yield watch_session
    watch_session.close()


def make_queue(watch_session):
    return QuestionQueue(
        limit=2, max_tokens=20, first_unit_timeout=0.05, session_of=lambda watch: watch_session
    )


@pytest.fixture
def questions(watch_session):
    return QuestionQueue(
        limit=2, max_tokens=20, first_unit_timeout=0.05, session_of=lambda watch: watch_session
    )


def answer_all(questions: QuestionQueue) -> list[Answer]:
    answers: list[Answer] = []
    while questions.has_work:
        questions.start_next()
        answers += questions.decode_slice()
    return answers


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", EmptyQuestionError, "empty"),
        (" \n ", EmptyQuestionError, "empty"),
        ("x" * 2001, QuestionTooLongError, "2001 characters"),
        ("x" * 100_000, QuestionTooLongError, "100000 characters"),
    ],
)
def test_refuses_a_question_without_words_or_end(text, error, says):
    with pytest.raises(error, match=says):
        question(text)


def test_answers_in_slices_up_to_the_longest(questions, watch_session):
    asked = question()
    questions.put(asked)
    assert questions.start_next() is watch_session
    assert questions.uses(watch_session)
    assert questions.decode_slice() == questions.decode_slice() == [], "8 tokens, and 8 more"
    (answer,) = questions.decode_slice()
    assert asked.future.result(0) == answer
    assert (answer.text, answer.finished, answer.kept) == ("a" * 20, False, False)
    assert (answer.unit, answer.stamp, answer.watch) == (0, 1_000_000_000, "")
    assert 0 < answer.latency < 60
    assert not questions.uses(watch_session)
    assert not questions.has_work


def test_the_session_hears_on_while_it_answers(questions, watch_session, puppet, make_unit):
    questions.put(question())
    questions.start_next()
    questions.decode_slice()
    watch_session.step(puppet.thinker.encode(make_unit(1, video=False)))
    (answer,) = answer_all(questions)
    assert answer.unit == 0, "the answer knows what had been heard when it was begun"
    assert answer.text == "a" * 20
    assert watch_session.status().units_kept == 2


def test_an_answer_leaves_the_session_as_it_was(questions, watch_session):
    before = watch_session.status()
    questions.put(question())
    answer_all(questions)
    assert watch_session.status() == before


def test_a_kept_answer_stays_in_the_session(questions, watch_session, puppet):
    assert watch_session.session.transcript()[-1].text == ()
    questions.put(question(keep=True))
    questions.start_next()
    questions.decode_slice()
    puppet.falls_silent()
    (answer,) = answer_all(questions)
    assert (answer.text, answer.finished, answer.kept) == ("a" * 8, True, True)
    kept = puppet.thinker.dialogue.decode(watch_session.session.transcript()[-1].text)
    assert kept.count("a" * 8) == 1


def test_refuses_more_than_may_wait_and_answers_the_others(questions):
    accepted = [question(f"number {number}?") for number in range(2)]
    for asked in accepted:
        questions.put(asked)
    with pytest.raises(TooManyQuestionsError, match="2 questions wait"):
        questions.put(question())
    assert [answer.question for answer in answer_all(questions)] == ["number 0?", "number 1?"]
    assert all(asked.future.done() for asked in accepted)
    questions.put(question())


def test_too_many_tokens_concern_the_asker_alone(questions):
    long, short = question("\N{SNOWMAN}" * 1_500), question()
    questions.put(long)
    questions.put(short)
    (answer,) = answer_all(questions)
    assert answer.question == short.text
    with pytest.raises(QuestionTooLongError):
        long.future.result(0)


def test_a_session_that_has_gone_fails_the_answer(questions, watch_session):
    asked = question()
    questions.put(asked)
    questions.start_next()
    watch_session.session.close()
    assert questions.decode_slice() == []
    assert asked.future.exception(0) is not None

    again = question()
    questions.put(again)
    assert questions.start_next() is None
    with pytest.raises(SessionClosedError):
        again.future.result(0)


def test_what_breaks_the_model_is_told_to_the_asker_and_raised(questions, puppet):
    asked = question()
    questions.put(asked)
    questions.start_next()
    whole, puppet.thinker.backbone.lm_head = puppet.thinker.backbone.lm_head, None
    with pytest.raises(TypeError):
        questions.decode_slice()
    puppet.thinker.backbone.lm_head = whole
    with pytest.raises(TypeError):
        asked.future.result(0)
    assert not questions.has_work


def test_giving_up_completes_all(questions):
    begun, waiting = question(), question()
    questions.put(begun)
    questions.start_next()
    questions.put(waiting)
    questions.fail_current(QuestionLostError("the end"))
    questions.fail_waiting("the end")
    for asked in (begun, waiting):
        with pytest.raises(QuestionLostError, match="the end"):
            asked.future.result(0)


def test_gives_up_only_what_is_meant(questions):
    door, other = question(watch="door"), question(watch="other")
    questions.put(door)
    questions.put(other)
    questions.fail_waiting("the door's watch has ended", lambda asked: asked.watch == "door")
    assert isinstance(door.future.exception(0), QuestionLostError)
    assert [answer.question for answer in answer_all(questions)] == [other.text]


def test_a_question_the_asker_cancelled_is_skipped(questions):
    cancelled, other = question("never mind"), question("and this?")
    questions.put(cancelled)
    questions.put(other)
    assert cancelled.future.cancel()
    assert [answer.question for answer in answer_all(questions)] == ["and this?"]
    questions.put(dropped := question())
    dropped.future.cancel()
    questions.fail_waiting("the end")


def test_waits_for_a_first_unit_but_not_for_ever():
    deaf = WatchSession(None)
    questions = QuestionQueue(
        limit=2, max_tokens=20, first_unit_timeout=0.05, session_of=lambda watch: deaf
    )
    asked = question()
    questions.put(asked)
    questions.fail_overdue()
    assert not asked.future.done()
    assert not questions.has_work
    time.sleep(0.06)
    questions.fail_overdue()
    with pytest.raises(QuestionLostError, match=r"no unit was processed within 0\.05 s"):
        asked.future.result(0)


def test_a_question_that_can_be_answered_is_never_overdue(questions):
    asked = question()
    questions.put(asked)
    time.sleep(0.06)
    questions.fail_overdue()
    assert [answer.question for answer in answer_all(questions)] == [asked.text]


def test_tells_the_text_so_far_after_each_slice(questions):
    texts: list[str] = []
    asked = PendingQuestion(text="what do you hear?", watch=None, keep=False, on_text=texts.append)
    questions.put(asked)
    (answer,) = answer_all(questions)
    assert texts == ["a" * 8, "a" * 16, "a" * 20]
    assert texts[-1] == answer.text


def test_a_listener_that_raises_does_not_cost_the_answer(questions):
    def fail(text: str) -> None:
        raise RuntimeError("nobody is there")

    asked = PendingQuestion(text="what do you hear?", watch=None, keep=False, on_text=fail)
    questions.put(asked)
    assert answer_all(questions) == [asked.future.result(0)]


def test_a_question_that_is_cancelled_while_it_waits_frees_its_place_at_once(questions):
    first, second, third = question(), question(), question()
    questions.put(first)
    questions.put(second)
    with pytest.raises(TooManyQuestionsError):
        questions.put(third)
    assert second.future.cancel()
    assert len(questions) == 1
    questions.put(third)
    assert [answer.question for answer in answer_all(questions)] == [first.text, third.text]
    assert second.future.cancelled()
    assert not questions.has_work


def test_an_answer_that_is_cancelled_ends_at_its_next_slice_and_the_next_begins(
    questions, watch_session
):
    before = watch_session.status()
    first, second = question(), question("and what do you see?")
    questions.put(first)
    questions.put(second)
    questions.start_next()
    assert questions.decode_slice() == []
    assert first.future.cancel()
    assert questions.decode_slice() == []
    assert isinstance(first.future.exception(0), QuestionCancelledError)
    assert not questions.uses(watch_session)
    assert watch_session.status() == before, "the branch is closed"
    assert [answer.question for answer in answer_all(questions)] == [second.text]


def test_an_answer_that_is_whole_cannot_be_cancelled(questions):
    asked = question()
    questions.put(asked)
    (answer,) = answer_all(questions)
    assert not asked.future.cancel()
    assert asked.future.result(0) is answer
