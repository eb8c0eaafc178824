"""The answer desk: bounded, first come first served, and no future is left open."""

from __future__ import annotations

import time

import pytest

from roma_ros.events import Answer
from roma_ros.follower import Follower
from roma_ros.questions import (
    AnswerDesk,
    EmptyQuestionError,
    Question,
    QuestionCancelledError,
    QuestionLostError,
    TooManyQuestionsError,
)
from roma_ros.thinker import QuestionTooLongError, SessionClosedError


def question(text: str = "what do you hear?", watch: str | None = None, keep: bool = False):
    return Question(text=text, watch=watch, keep=keep)


@pytest.fixture
def follower(puppet, make_unit):
    """Has heard one unit."""
    follower = Follower(None)
    follower.open(puppet.thinker, context_seconds=10)
    follower.hear(puppet.thinker.encode(make_unit(0, video=False)))
    yield follower
    follower.close()


@pytest.fixture
def desk(follower):
    return AnswerDesk(limit=2, longest=20, patience=0.05, follower_of=lambda watch: follower)


def answer_all(desk: AnswerDesk) -> list[Answer]:
    answers: list[Answer] = []
    while desk.has_work:
        desk.begin()
        answers += desk.go_on()
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


def test_answers_in_slices_up_to_the_longest(desk, follower):
    asked = question()
    desk.put(asked)
    assert desk.begin() is follower
    assert desk.serves(follower)
    assert desk.go_on() == desk.go_on() == [], "8 tokens, and 8 more"
    (answer,) = desk.go_on()
    assert asked.future.result(0) == answer
    assert (answer.text, answer.finished, answer.kept) == ("a" * 20, False, False)
    assert (answer.unit, answer.stamp, answer.watch) == (0, 1_000_000_000, "")
    assert 0 < answer.latency < 60
    assert not desk.serves(follower)
    assert not desk.has_work


def test_the_session_hears_on_while_it_answers(desk, follower, puppet, make_unit):
    desk.put(question())
    desk.begin()
    desk.go_on()
    follower.hear(puppet.thinker.encode(make_unit(1, video=False)))
    (answer,) = answer_all(desk)
    assert answer.unit == 0, "the answer knows what had been heard when it was begun"
    assert answer.text == "a" * 20
    assert follower.status().units_kept == 2


def test_an_answer_leaves_the_session_as_it_was(desk, follower):
    before = follower.status()
    desk.put(question())
    answer_all(desk)
    assert follower.status() == before


def test_a_kept_answer_stays_in_the_session(desk, follower, puppet):
    assert follower.session.transcript()[-1].text == ()
    desk.put(question(keep=True))
    desk.begin()
    desk.go_on()
    puppet.falls_silent()
    (answer,) = answer_all(desk)
    assert (answer.text, answer.finished, answer.kept) == ("a" * 8, True, True)
    kept = puppet.thinker.dialogue.decode(follower.session.transcript()[-1].text)
    assert kept.count("a" * 8) == 1


def test_refuses_more_than_may_wait_and_answers_the_others(desk):
    accepted = [question(f"number {number}?") for number in range(2)]
    for asked in accepted:
        desk.put(asked)
    with pytest.raises(TooManyQuestionsError, match="2 questions wait"):
        desk.put(question())
    assert [answer.question for answer in answer_all(desk)] == ["number 0?", "number 1?"]
    assert all(asked.future.done() for asked in accepted)
    desk.put(question())


def test_too_many_tokens_concern_the_asker_alone(desk):
    long, short = question("\N{SNOWMAN}" * 1_500), question()
    desk.put(long)
    desk.put(short)
    (answer,) = answer_all(desk)
    assert answer.question == short.text
    with pytest.raises(QuestionTooLongError):
        long.future.result(0)


def test_a_session_that_has_gone_fails_the_answer(desk, follower):
    asked = question()
    desk.put(asked)
    desk.begin()
    follower.session.close()
    assert desk.go_on() == []
    assert asked.future.exception(0) is not None

    again = question()
    desk.put(again)
    assert desk.begin() is None
    with pytest.raises(SessionClosedError):
        again.future.result(0)


def test_what_breaks_the_model_is_told_to_the_asker_and_raised(desk, puppet):
    asked = question()
    desk.put(asked)
    desk.begin()
    whole, puppet.thinker.backbone.lm_head = puppet.thinker.backbone.lm_head, None
    with pytest.raises(TypeError):
        desk.go_on()
    puppet.thinker.backbone.lm_head = whole
    with pytest.raises(TypeError):
        asked.future.result(0)
    assert not desk.has_work


def test_giving_up_completes_all(desk):
    begun, waiting = question(), question()
    desk.put(begun)
    desk.begin()
    desk.put(waiting)
    desk.end(QuestionLostError("the end"))
    desk.lose("the end")
    for asked in (begun, waiting):
        with pytest.raises(QuestionLostError, match="the end"):
            asked.future.result(0)


def test_gives_up_only_what_is_meant(desk):
    door, other = question(watch="door"), question(watch="other")
    desk.put(door)
    desk.put(other)
    desk.lose("the door's watch has ended", lambda asked: asked.watch == "door")
    assert isinstance(door.future.exception(0), QuestionLostError)
    assert [answer.question for answer in answer_all(desk)] == [other.text]


def test_a_question_the_asker_cancelled_is_skipped(desk):
    cancelled, other = question("never mind"), question("and this?")
    desk.put(cancelled)
    desk.put(other)
    assert cancelled.future.cancel()
    assert [answer.question for answer in answer_all(desk)] == ["and this?"]
    desk.put(dropped := question())
    dropped.future.cancel()
    desk.lose("the end")


def test_waits_for_a_first_unit_but_not_for_ever():
    deaf = Follower(None)
    desk = AnswerDesk(limit=2, longest=20, patience=0.05, follower_of=lambda watch: deaf)
    asked = question()
    desk.put(asked)
    desk.lose_overdue()
    assert not asked.future.done()
    assert not desk.has_work
    time.sleep(0.06)
    desk.lose_overdue()
    with pytest.raises(QuestionLostError, match=r"no unit was heard within 0\.05 s"):
        asked.future.result(0)


def test_a_question_that_can_be_answered_is_never_overdue(desk):
    asked = question()
    desk.put(asked)
    time.sleep(0.06)
    desk.lose_overdue()
    assert [answer.question for answer in answer_all(desk)] == [asked.text]


def test_tells_the_text_so_far_after_each_slice(desk):
    texts: list[str] = []
    asked = Question(text="what do you hear?", watch=None, keep=False, on_text=texts.append)
    desk.put(asked)
    (answer,) = answer_all(desk)
    assert texts == ["a" * 8, "a" * 16, "a" * 20]
    assert texts[-1] == answer.text


def test_a_listener_that_raises_does_not_cost_the_answer(desk):
    def fail(text: str) -> None:
        raise RuntimeError("nobody is there")

    asked = Question(text="what do you hear?", watch=None, keep=False, on_text=fail)
    desk.put(asked)
    assert answer_all(desk) == [asked.future.result(0)]


def test_a_question_that_is_cancelled_while_it_waits_frees_its_place_at_once(desk):
    first, second, third = question(), question(), question()
    desk.put(first)
    desk.put(second)
    with pytest.raises(TooManyQuestionsError):
        desk.put(third)
    assert second.future.cancel()
    assert len(desk) == 1
    desk.put(third)
    assert [answer.question for answer in answer_all(desk)] == [first.text, third.text]
    assert second.future.cancelled()
    assert not desk.has_work


def test_an_answer_that_is_cancelled_ends_at_its_next_slice_and_the_next_begins(desk, follower):
    before = follower.status()
    first, second = question(), question("and what do you see?")
    desk.put(first)
    desk.put(second)
    desk.begin()
    assert desk.go_on() == []
    assert first.future.cancel()
    assert desk.go_on() == []
    assert isinstance(first.future.exception(0), QuestionCancelledError)
    assert not desk.serves(follower)
    assert follower.status() == before, "the branch is closed"
    assert [answer.question for answer in answer_all(desk)] == [second.text]


def test_an_answer_that_is_whole_cannot_be_cancelled(desk):
    asked = question()
    desk.put(asked)
    (answer,) = answer_all(desk)
    assert not asked.future.cancel()
    assert asked.future.result(0) is answer
