from __future__ import annotations

from collections import Counter, defaultdict

import pytest

from roma_ros.world import (
    ANSWERS,
    PRESENT_KINDS,
    Plot,
    QuestionKind,
    Scene,
    WorldQuestion,
    dense_questions,
    draw_questions,
    make_scene,
)
from roma_ros.world.questions import DENSE_KINDS, SPOKEN_KINDS, asked_again

YES_NO = (
    QuestionKind.SEEN_NOW,
    QuestionKind.TOUCHING_NOW,
    QuestionKind.HEARD_NOW,
    QuestionKind.SEEN_BEFORE,
    QuestionKind.ORDER,
)


def answer(scene: Scene, kind: QuestionKind, text: str, unit: int) -> str | None:
    again = asked_again(WorldQuestion(kind, text, "?", unit), scene)
    return None if again is None else again.answer


@pytest.mark.parametrize(
    ("kind", "text", "unit", "expected"),
    [
        (QuestionKind.SEEN_NOW, "is there a red circle now?", 4, "yes"),
        (QuestionKind.SEEN_NOW, "is there a red circle now?", 5, "no"),  # gone in its last frame
        (QuestionKind.SEEN_NOW, "is there a red square now?", 4, "no"),
        (QuestionKind.TOUCHING_NOW, "does a red circle touch a blue square now?", 3, "no"),
        (QuestionKind.TOUCHING_NOW, "does a red circle touch a blue square now?", 4, "yes"),
        (QuestionKind.HEARD_NOW, "do you hear a beep now?", 3, "yes"),
        (QuestionKind.HEARD_NOW, "do you hear a tone now?", 3, "no"),
        (QuestionKind.COLOUR_NOW, "what colour is the circle?", 4, "red"),
        (QuestionKind.COLOUR_NOW, "what colour is the circle?", 7, None),
        (QuestionKind.SHAPE_NOW, "what shape is the blue one?", 4, "square"),
        (QuestionKind.PLACE_NOW, "where is the blue square?", 4, "right"),
        (QuestionKind.PLACE_NOW, "where is the red circle?", 4, "left"),
        (QuestionKind.SOUND_NOW, "what do you hear now?", 6, "beep"),
        (QuestionKind.SOUND_NOW, "what do you hear now?", 7, "nothing"),
        (QuestionKind.SHAPES_NOW, "how many shapes are there now?", 4, "two"),
        (QuestionKind.SHAPES_NOW, "how many shapes are there now?", 8, "zero"),
        (QuestionKind.SEEN_BEFORE, "has there been a red circle?", 8, "yes"),
        (QuestionKind.SEEN_BEFORE, "has there been a blue circle?", 8, "no"),
        (QuestionKind.COLOUR_BEFORE, "what colour was the first shape?", 8, "red"),
        (QuestionKind.COLOUR_BEFORE, "what colour was the last shape?", 8, "blue"),
        (QuestionKind.SHAPE_BEFORE, "what was the last shape?", 10, "circle"),
        (QuestionKind.SHAPE_BEFORE, "what was the first shape?", 0, None),
        (QuestionKind.SOUND_BEFORE, "what was the first sound?", 10, "beep"),
        (QuestionKind.SOUND_BEFORE, "what was the last sound?", 10, "tone"),
        (QuestionKind.ORDER, "did a red circle come before a blue square?", 10, "yes"),
        (QuestionKind.ORDER, "did a blue square come before a red circle?", 10, "no"),
        (QuestionKind.SOUND_ORDER, "which came first, a tone or a beep?", 9, "beep"),
        (QuestionKind.SOUNDS_SO_FAR, "how many beeps so far?", 5, "two"),
        (QuestionKind.SOUNDS_SO_FAR, "how many beeps so far?", 6, "three"),
        (QuestionKind.SOUNDS_SO_FAR, "how many knocks so far?", 11, "zero"),
        (QuestionKind.SHAPES_SO_FAR, "how many shapes so far?", 11, "three"),
        (QuestionKind.SHAPES_SO_FAR, "how many circles so far?", 11, "two"),
        (QuestionKind.SHAPES_SO_FAR, "how many crosses so far?", 11, "zero"),
    ],
)
def test_answers_about_a_scene_made_by_hand(
    busy_scene: Scene, kind: QuestionKind, text: str, unit: int, expected: str | None
) -> None:
    assert answer(busy_scene, kind, text, unit) == expected


@pytest.fixture(scope="module")
def asked() -> list[WorldQuestion]:
    return [q for seed in range(250) for q in draw_questions(make_scene(seed, 25), 8, first=2)]


def test_answers_are_of_the_closed_vocabulary(asked: list[WorldQuestion]) -> None:
    assert {question.answer for question in asked} <= set(ANSWERS)
    assert len({question.answer for question in asked}) > 24


def test_who_always_gives_the_commonest_answer_is_mostly_wrong(asked: list[WorldQuestion]) -> None:
    answers: dict[QuestionKind, Counter[str]] = defaultdict(Counter)
    for question in asked:
        answers[question.kind][question.answer] += 1
    assert set(answers) == set(QuestionKind) - {QuestionKind.HEARD_BEFORE}  # needs recordings
    best = sum(max(count.values()) for count in answers.values())
    assert best < 0.36 * len(asked)
    for kind, count in answers.items():
        limit = 0.62 if kind in YES_NO else 0.43
        assert max(count.values()) < limit * sum(count.values()), kind
    commonest = Counter(question.answer for question in asked).most_common(1)[0][1]
    assert commonest < 0.2 * len(asked)


def test_questions_of_a_scene_are_the_same_each_time_in_order_and_different() -> None:
    scene = make_scene(5, 30)
    first = draw_questions(scene, 10, first=4)
    assert first == draw_questions(scene, 10, first=4)
    assert len(set(first)) == 10
    assert [q.unit for q in first] == sorted(q.unit for q in first)
    assert min(q.unit for q in first) >= 4


def test_every_drawn_answer_is_the_one_that_its_text_has(asked: list[WorldQuestion]) -> None:
    for question in asked[:300]:
        assert question.text.endswith("?")
    scene = make_scene(8, 30)
    for question in draw_questions(scene, 20):
        assert asked_again(question, scene) == question


def test_dense_questions_ask_after_almost_every_unit_of_a_crowd() -> None:
    scene = make_scene(4, 30, Plot.CROWD)
    dense = dense_questions(scene)
    assert len(dense) >= 28
    assert len({question.unit for question in dense}) == len(dense)
    assert {question.kind for question in dense} <= set(DENSE_KINDS)
    assert {question.answer for question in dense} == {"yes", "no"}


def test_several_questions_on_the_present_differ_and_ask_about_no_other_time() -> None:
    scene = make_scene(4, 30, Plot.CROWD)
    asked = dense_questions(scene, 5, PRESENT_KINDS)
    assert len(set(asked)) == len(asked)
    assert {question.kind for question in asked} == set(PRESENT_KINDS)
    counts = [sum(question.unit == unit for question in asked) for unit in range(30)]
    assert max(counts) == 5
    assert sum(counts) > 4 * 30


def test_nothing_that_is_asked_aloud_asks_what_is_heard_at_that_time() -> None:
    assert QuestionKind.HEARD_NOW not in SPOKEN_KINDS
    assert QuestionKind.SOUND_NOW not in SPOKEN_KINDS


def test_a_question_that_makes_no_sense_there_has_no_answer(busy_scene: Scene) -> None:
    assert answer(busy_scene, QuestionKind.PLACE_NOW, "where is the green star?", 4) is None
