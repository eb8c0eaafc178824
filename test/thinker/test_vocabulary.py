"""Words that a checkpoint was trained on, and those of an instruction that are not among them."""

from __future__ import annotations

import pytest

from roma_ros.thinker import CheckpointError, Vocabulary, needs_audio, needs_video
from roma_ros.thinker.vocabulary import MAX_WORDS, content_words

WORLD = Vocabulary(
    sounds=("beep", "knock"),
    sights=("circle", "cross", "red"),
    others=("appears", "two", "describe", "happens", "move"),
)


@pytest.mark.parametrize(
    "text",
    [
        "alert me when there are two beeps",
        "Tell me every time a RED circle appears!",
        "let me know when the circles are moving",
        "did a red cross appear before the knocking?",
        "Describe what happens, as it happens.",
        "which of the crosses has moved?",
    ],
)
def test_known_words_are_known_in_any_inflection(text: str) -> None:
    assert WORLD.unknown(text) == ()
    assert WORLD.warning(text, "tiny") == ""


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("a dog barks", ("dog", "barks")),
        ("asdf qwer zxcv", ("asdf", "qwer", "zxcv")),
        ("alert me when a red dog appears", ("dog",)),
        ("alert me when the redcircle appears", ("redcircle",)),
        ("alert me when 2 knocks come", ("2", "come")),
        ("狗 barks, 狗!", ("狗", "barks")),
    ],
)
def test_other_content_words_are_unknown(text: str, unknown: tuple[str, ...]) -> None:
    assert WORLD.unknown(text) == unknown


def test_the_warning_names_what_is_unknown_and_what_is_known() -> None:
    assert WORLD.warning("alert me when a dog barks", "tiny") == (
        "tiny knows no 'dog' or 'barks'; it knows the sounds beep, knock and the sights circle, "
        "cross, red"
    )
    many = WORLD.warning(" ".join(f"word{number}" for number in range(30)), "tiny")
    assert "'word4' (and 25 more)" in many
    assert "word5" not in many


@pytest.mark.parametrize("text", ["\N{DOG FACE}", "alert me when it is there", "?!"])
def test_a_text_that_names_nothing_is_objected_to(text: str) -> None:
    assert "names nothing that tiny knows" in WORLD.warning(text, "tiny")


def test_content_words_are_told_once_and_in_order() -> None:
    assert content_words("Alert me when a DOG, the dog's cat or a dog meows") == (
        "dog",
        "cat",
        "meows",
    )


@pytest.mark.parametrize(
    ("text", "sound", "picture"),
    [
        ("alert me when two beeps come", True, False),
        ("alert me when a red circle appears", False, True),
        ("alert me when the crosses move while a knock comes", True, True),
        ("alert me when you hear a dog", True, False),
        ("alert me when you see a dog", False, True),
        ("alert me when a dog comes", False, False),
    ],
)
def test_a_text_tells_which_sense_it_needs(text: str, sound: bool, picture: bool) -> None:
    assert (needs_audio(text, WORLD), needs_video(text, WORLD)) == (sound, picture)


def test_without_a_vocabulary_hearing_and_seeing_are_known_by_their_verbs() -> None:
    assert needs_audio("tell me when you hear a dog")
    assert not needs_video("tell me when you hear a dog")
    assert needs_video("what do you see?")


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        "beep",
        {"sounds": "beep"},
        {"sounds": [3]},
        {"sounds": [""]},
        {"sounds": ["two words"]},
        {"sounds": ["x" * 41]},
        {"sounds": ["beep"], "smells": ["rose"]},
        {"others": ["word"] * (MAX_WORDS + 1)},
    ],
)
def test_what_is_no_vocabulary_is_refused(value: object) -> None:
    with pytest.raises(CheckpointError, match="vocabulary"):
        Vocabulary.from_json(value)
