"""Lessons are what the world says, and the same in every run."""

from __future__ import annotations

import numpy as np
import pytest

from roma_ros.training.curriculum import Lesson, Lessons, Mix
from roma_ros.world import FootageClip, Split

from .rendered import rendered

ALL = Mix(questions=1, alerts=2, narrations=1, spoken=0.3, seconds=(3, 6))


def test_the_same_number_is_the_same_stream() -> None:
    one, two = Lessons([Lesson(ALL, 40)]), Lessons([Lesson(ALL, 40)])
    for first, second in (pair for n in (0, 7, 23) for pair in zip(one[n], two[n], strict=True)):
        assert first.instruction == second.instruction
        assert first.exchanges == second.exchanges
        for unit, other in zip(rendered(first), rendered(second), strict=True):
            assert np.array_equal(unit.frames, other.frames)
            assert np.array_equal(unit.audio, other.audio)


def test_lessons_go_on_where_others_ended() -> None:
    all_of_them, rest = Lessons([Lesson(ALL, 40)]), Lessons([Lesson(ALL, 24)], first=16)
    for one, two in zip(all_of_them[20], rest[4], strict=True):
        assert one.instruction == two.instruction
        assert all(
            map(np.array_equal, (u.audio for u in rendered(one)), (u.audio for u in rendered(two)))
        )


@pytest.mark.slow
def test_a_mix_gives_every_kind_of_lesson() -> None:
    lessons = Lessons([Lesson(ALL, 480)])
    examples = [example for index in range(0, 480, 8) for example in lessons[index]]
    alerts = [e for e in examples if e.speak and not e.replies]
    narrations = [e for e in examples if e.speak and e.replies]
    questions = [e for e in examples if not e.speak]
    assert any(e.exchanges for e in alerts)
    assert any(e.exchanges for e in narrations)
    spoken = [e for e in examples if not e.instruction and (e.speak or e.replies)]
    assert all((alerts, narrations, questions, spoken))
    assert any(any(e.speak) for e in alerts)
    assert any(not any(e.speak) for e in alerts)  # hard negatives
    assert {e.weight for e in narrations} == {1.5}
    assert all(e.exchanges for e in questions if not e.replies)


def test_streams_of_one_world_share_its_units() -> None:
    lessons = Lessons([Lesson(Mix(alerts=1, seconds=(5, 5)), 4)])
    first, *others = lessons[0]
    assert others
    assert len({example.instruction for example in (first, *others)}) == 1 + len(others)
    for other in others:
        assert all(one is two for one, two in zip(first.units, other.units, strict=True))


def test_single_units_under_instructions_are_of_several_scenes() -> None:
    lessons = Lessons([Lesson(Mix(alerts=1, seconds=(1, 1)), 24)])
    due = []
    for index in range(len(lessons)):
        examples = lessons[index]
        assert {len(example.units) for example in examples} == {1}
        assert len({id(example.units[0]) for example in examples}) > 1
        due += [example.speak[0] for example in examples if example.speak]
    assert 0.3 < np.mean(due) < 0.7  # as many near misses as alarms


def test_short_streams_show_more_than_the_beginning_of_a_scene() -> None:
    lessons = Lessons([Lesson(Mix(alerts=1, seconds=(3, 3)), 24)])
    at_once = due = 0
    for index in range(len(lessons)):
        for example in lessons[index]:
            assert len(example.units) == 3
            at_once += bool(example.speak and example.speak[0])
            due += any(example.speak)
    assert due > 20
    assert at_once > due / 3  # no figure is there from the start of a whole scene so often


@pytest.mark.slow
def test_what_happens_while_the_instruction_is_spoken_is_left_open() -> None:
    lessons = Lessons([Lesson(Mix(alerts=1, spoken=1, seconds=(3, 3)), 24)])
    spoken = [e for index in range(24) for e in lessons[index] if e.speak]
    assert all(example.instruction is None for example in spoken)
    assert not any(example.speak[0] for example in spoken)
    assert any(None in example.speak for example in spoken)
    assert any(True in example.speak for example in spoken)


@pytest.mark.slow
def test_worlds_of_one_step_are_of_one_kind_and_length() -> None:
    lessons = Lessons([Lesson(Mix(glimpses=1, questions=1, seconds=(3, 9)), 64)])
    lengths = [[len(e.units) for e in lessons[index]] for index in range(64)]
    steps = [
        {n for world in lengths[first : first + 8] for n in world} for first in range(0, 64, 8)
    ]
    assert all(len(step) == 1 for step in steps)
    assert {1} in steps  # glimpses
    assert len(set(map(min, steps))) > 2


def test_glimpses_are_single_units_with_a_caption_and_questions() -> None:
    world = Lessons([Lesson(Mix(glimpses=1, seconds=(6, 6), questions_per_stream=5), 1)])[0]
    assert all(len(example.units) == 1 for example in world)
    assert {example.exchanges[-1].question for example in world} == {"what happens now?"}
    assert len(world) == 6
    assert max(len(example.exchanges) for example in world) == 6


def test_memories_ask_for_what_has_been() -> None:
    world = Lessons([Lesson(Mix(memories=1, seconds=(4, 4), questions_per_stream=12), 1)])[0]
    assert len(world) == 3
    asked = [exchange.question for example in world for exchange in example.exchanges]
    assert len(asked) > 24
    past = ("has there been", "what colour was", "what was", "did", "which came first", "how many")
    assert all(question.startswith(past) for question in asked)
    assert sum(question.startswith("did") for question in asked) > 2


def test_kinds_that_are_named_are_asked_more_often() -> None:
    def share_of_counts(often: tuple[str, ...]) -> float:
        mix = Mix(memories=1, seconds=(4, 4), questions_per_stream=12, often=often)
        world = Lessons([Lesson(mix, 1)])[0]
        asked = [exchange.question for example in world for exchange in example.exchanges]
        return float(np.mean([question.startswith("how many") for question in asked]))

    assert share_of_counts(6 * ("SHAPES_SO_FAR",)) > 1.5 * share_of_counts(())


def test_a_question_asked_aloud_ends_its_stream_after_written_ones_on_the_past() -> None:
    mix = Mix(questions=1, spoken=1, seconds=(4, 4), questions_per_stream=12)
    lessons = Lessons([Lesson(mix, 6)])
    answers, written = set(), 0
    for world in (lessons[index] for index in range(6)):
        assert len(world) > 4  # of two scenes
        for example in world:
            ((unit, answer),) = example.replies.items()
            assert unit == len(example.units) - 1 == 3
            assert float(np.abs(rendered(example)[-1].audio).max()) > 0.05
            assert not example.speak
            answers.add(answer)
            written += len(example.exchanges)
    assert {"yes", "no"} < answers
    assert written > 60


def test_short_narrations_have_something_to_tell_and_say_what_happens() -> None:
    lessons = Lessons([Lesson(Mix(narrations=1, seconds=(3, 3)), 24)])
    examples = [example for index in range(24) for example in lessons[index]]
    told = [len(example.replies) for example in examples]
    assert np.mean(told) > 0.3
    for example in examples:
        asked = [exchange.question for exchange in example.exchanges]
        assert asked.count("what happens now?") == 3


def test_dictations_are_what_is_said_and_nothing_to_be_seen() -> None:
    world = Lessons([Lesson(Mix(dictations=1), 1)])[0]
    for example in world:
        (exchange,) = example.exchanges
        assert exchange.unit == len(example.units) - 1
        assert exchange.answer.startswith(("alert me", "is", "wh", "how", "d", "has"))
        assert all(unit.frames is None for unit in rendered(example))
        first, *_, last = example.facts.spoken
        assert 0 <= first.begins < 1
        assert last.begins < last.ends
        assert len(example.units) - 1 < last.ends < len(example.units)
        loud = [float(np.abs(unit.audio).max()) for unit in rendered(example)]
        assert max(loud) > 0.05


def test_lessons_follow_one_another_and_splits_share_no_stream() -> None:
    short, longer = Mix(questions=1, seconds=(2, 2)), Mix(questions=1, seconds=(9, 9))
    lessons = Lessons([Lesson(short, 2), Lesson(longer, 3)])
    assert len(lessons) == 5
    assert [len(lessons[index][0].units) for index in range(5)] == [2, 2, 9, 9, 9]
    with pytest.raises(IndexError, match="beyond the last of 5"):
        lessons[5]
    test = Lessons([Lesson(short, 2)], Split.TEST)
    assert not np.array_equal(rendered(test[0][0])[0].frames, rendered(lessons[0][0])[0].frames)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"questions": 0.0}, "nor all of them 0"),
        ({"questions": 1.0, "alerts": -1.0}, "must not be negative"),
        ({"questions": 1.0, "spoken": 2.0}, "share from 0 to 1"),
        ({"questions": 1.0, "seconds": (5, 2)}, "shortest and longest"),
        ({"questions": 1.0, "often": ("COUNTS",)}, r"often has \['COUNTS'\]; expected some of"),
    ],
)
def test_bad_mixes_are_named(values: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Mix(**values)


def test_lessons_of_sights() -> None:
    lessons = Lessons([Lesson(Mix(sights=1, seconds=(6, 20)), 16)])
    examples = [example for index in range(16) for example in lessons[index]]
    labels = [label for example in examples for label in example.speak]
    assert {True, False, None} == set(labels)
    assert labels.count(None) < 0.25 * len(labels)
    assert 0.3 < np.mean([any(example.speak) for example in examples]) < 0.9
    asked = {ask.question for example in examples for ask in example.exchanges}
    assert {"is it dark?", "does something move?", "is a red light on?"} <= asked


def test_glimpses_of_sights_over_footage() -> None:
    clip = FootageClip(
        "noise.mp4", np.random.default_rng(0).integers(255, size=(8, 64, 64, 3), dtype="u1")
    )
    mix = Mix(sight_glimpses=1, seconds=(8, 8))
    lessons = Lessons([Lesson(mix, 12)], footage=[clip])
    examples = [example for index in range(12) for example in lessons[index]]
    assert {len(example.units) for example in examples} == {1}
    assert len(examples) == 12 * 8
    seen = {name for example in examples for name in example.facts.seen or ()}
    assert {"dark", "covered", "motion", "lamp changes", "red light", "blue light"} <= seen
    assert any(example.facts.standing is None for example in examples)
    rows = [example.facts.row for example in examples]
    assert {-1.0, 0.0, 1.0} <= {value for row in rows for value in row}
