"""The demo's judgement, on events made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from roma_ros.demo.check import Observed, PublishedNarration, ReceivedAnswer, check_run
from roma_ros.demo.plan import AlertWatch, DemoPlan, PlannedQuestion
from roma_ros.world import Segment, Window, make_scene

UNITS = 12
PLAN = DemoPlan(
    scene=make_scene(3_000_000_000, UNITS + 1),
    units=UNITS,
    alerts=(
        AlertWatch("bell", "alert me every time a bell rings", (Window(2, 2), Window(6, 8))),
        AlertWatch("never", "alert me when a cow appears", ()),
    ),
    segments=(
        Segment(0, 3, "a red circle stays."),
        Segment(3, 4, "a blue star moves."),
        Segment(5, UNITS, "a tone sounds."),
    ),
    questions=(PlannedQuestion("how many bells so far?", "one", 4, 6),),
)
RIGHT = Observed(
    units={watch: frozenset(range(UNITS + 1)) for watch in PLAN.watches},
    raised={"bell": (2, 7)},
    narrations=(
        PublishedNarration(3, "a red circle stays."),
        PublishedNarration(4, "a blue star moves."),
    ),
    answers=(ReceivedAnswer("one", 4),),
    misalignment=0.0,
)


def faults(**changes) -> list[tuple[str, str]]:
    results = check_run(PLAN, replace(RIGHT, **changes))
    return [(result.what, result.fault) for result in results if result.fault]


def test_what_is_right_is_listed_in_full_and_without_a_fault():
    results = check_run(PLAN, RIGHT)
    assert not any(result.fault for result in results)
    assert [result.what for result in results] == [
        "stream",
        "bell",
        "bell",
        "never",
        "narration",
        "narration",
        "unit 4: how many bells so far?",
    ]


@pytest.mark.parametrize(
    ("raised", "wrong"),
    [
        ((2, 6), []),
        ((2, 8), []),
        ((2, 6, 8), []),  # again within the same event
        ((2, 7, UNITS), []),  # after what counts
        ((7,), ["missed"]),
        ((), ["missed", "missed"]),
        ((3, 7), ["late"]),
        ((4, 7), ["late"]),
        ((5, 7), ["missed", "false alarm"]),
        ((1, 7), ["missed", "false alarm"]),  # too early
        ((2, 3, 7), ["false alarm"]),
        ((2, 7, 11), ["false alarm"]),
        ((3, 4, 7), ["late", "false alarm"]),
    ],
)
def test_an_alert_goes_off_within_each_window_and_nowhere_else(raised, wrong):
    assert faults(raised={"bell": raised}) == [("bell", fault) for fault in wrong]


def test_what_never_happens_is_a_false_alarm_each_time():
    raised = {**RIGHT.raised, "never": (0, 5)}
    assert faults(raised=raised) == [("never", "false alarm"), ("never", "false alarm")]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ([(2, "a red circle stays."), (5, "a blue star moves.")], []),  # one unit off
        (  # by their units, not by their words
            [(3, "a blue star moves."), (4, "a red circle stays.")],
            ["wrong words", "wrong words"],
        ),
        ([(3, "a red circle stays."), (4, "a blue star moves."), (11, "a tone sounds.")], []),
        ([(3, "a red circle stays."), (4, "a blue star moves."), (UNITS, "whatever")], []),
        ([(3, "a red circle stays.")], ["missed"]),
        ([], ["missed", "missed"]),
        ([(3, "a red square stays."), (4, "a blue star moves.")], ["wrong words"]),
        ([(3, "a red circle stays."), (6, "a blue star moves.")], ["missed", "nothing had ended"]),
        (
            [(3, "a red circle stays."), (4, "a blue star moves."), (8, "a blue star moves.")],
            ["nothing had ended"],
        ),
    ],
)
def test_a_sentence_is_told_at_each_end_with_the_right_words(told, wrong):
    sentences = [PublishedNarration(unit, text) for unit, text in told]
    assert faults(narrations=sentences) == [("narration", fault) for fault in wrong]


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (ReceivedAnswer("one", 6), []),
        (ReceivedAnswer(" One ", 4), []),
        (ReceivedAnswer("two", 4), ["wrong answer"]),
        (ReceivedAnswer("one two", 4), ["wrong answer"]),
        (ReceivedAnswer("", 4), ["wrong answer"]),
        (ReceivedAnswer("one", 7), ["asked at another time"]),
        (ReceivedAnswer("one", 3), ["asked at another time"]),
        (ReceivedAnswer(refusal="the node is not there"), ["no answer"]),
    ],
)
def test_an_answer_is_right_for_the_time_that_it_knows(answer, wrong):
    assert [fault for _, fault in faults(answers=[answer])] == wrong


def test_a_question_that_was_never_asked_has_no_answer():
    assert [fault for _, fault in faults(answers=())] == ["no answer"]


@pytest.mark.parametrize("seconds", [0.051, -0.051, 0.5])
def test_units_that_are_not_the_films_seconds_are_a_fault(seconds):
    assert faults(misalignment=seconds) == [("stream", "the units are not the film's seconds")]


@pytest.mark.parametrize("seconds", [0.049, -0.049])
def test_a_little_misalignment_is_none(seconds):
    assert faults(misalignment=seconds) == []


def test_lost_units_are_named():
    lost = {**RIGHT.units, "never": frozenset(range(UNITS)) - {3, 9}}
    assert faults(units=lost) == [("stream", "no p(speak) of never for units 3, 9")]


def test_nothing_at_all_is_wrong_everywhere():
    wrong = faults(units={}, raised={}, narrations=(), answers=(), misalignment=None)
    assert {what for what, _ in wrong} == {"stream", "bell", "narration", f"unit 4: {QUESTION}"}


QUESTION = PLAN.questions[0].text
