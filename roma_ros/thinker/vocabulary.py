"""Words that a checkpoint was trained on, and a check of instructions against them. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from roma_ros.thinker.errors import CheckpointError

__all__ = ["FUNCTION_WORDS", "Vocabulary", "content_words", "needs_audio", "needs_video"]

MAX_WORDS = 20_000
MAX_WORD = 40  # characters
SHOWN_UNKNOWN = 5
SHOWN_KNOWN = 24
SHORTEST_STEM = 3  # characters
WORD = rf"[^\W_]{{1,{MAX_WORD}}}"


def _word_set(text: str) -> frozenset[str]:
    return frozenset(text.split())


FUNCTION_WORDS = _word_set(
    """
    a an the this that these those there here it its itself i me my you your we us our he him his
    she her they them their who whom whose which what where when why how
    some any every each all both either neither no none not nor other another such same own
    something anything everything somebody someone anybody anyone
    and or but if then than as so while whenever once until before after during since because
    in on at of to from for by with without into onto over under up down out off about again
    am is are was were be been being do does did done doing has have had having can could will
    would shall should may might must let s t d m ll re ve don doesn didn isn aren wasn won
    now just only also too very more most much many soon ever still yet
    alert alerts tell notify warn inform report say know please watch wait time times
    """
)
"""Words without content of their own, and those that frame an instruction ("alert me when")."""
HEARING_WORDS = _word_set("hear hears heard hearing sound sounds listen noise noises")
SEEING_WORDS = _word_set("see sees saw seen look looks looking visible picture image")


def content_words(text: str) -> tuple[str, ...]:
    """Return the words of a text in lower case, each once, in order, without function words."""
    words = re.findall(r"[^\W_]+", text.lower())
    return tuple(dict.fromkeys(word for word in words if word not in FUNCTION_WORDS))


def needs_audio(text: str, vocabulary: Vocabulary | None = None) -> bool:
    """Return whether a text refers to audio: a hearing verb, or a sound of the vocabulary."""
    words = set(content_words(text))
    known = frozenset() if vocabulary is None else _stems(vocabulary.sounds)
    return bool(words & HEARING_WORDS or _stems(words) & known)


def needs_video(text: str, vocabulary: Vocabulary | None = None) -> bool:
    """Return whether a text refers to video: a seeing verb, or a sight of the vocabulary."""
    words = set(content_words(text))
    known = frozenset() if vocabulary is None else _stems(vocabulary.sights)
    return bool(words & SEEING_WORDS or _stems(words) & known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Content words that a checkpoint was trained on; it recognises no others.

    Args:
        sounds: words for audible things, such as "beep".
        sights: words for visible things, such as "circle".
        others: all other content words of its instructions, questions and answers.

    Raises:
        CheckpointError: there is no word at all, more than 20,000, or one that is not a single
            word of at most 40 letters.
    """

    sounds: tuple[str, ...] = ()
    sights: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            words = getattr(self, field.name)
            if not isinstance(words, list | tuple):
                raise CheckpointError(
                    f"vocabulary: {field.name} is {type(words).__name__}; expected a list of words"
                )
            for word in words:
                if not isinstance(word, str) or not re.fullmatch(WORD, word):
                    raise CheckpointError(
                        f"vocabulary: {field.name} has {word!r:.60}; expected single words of at "
                        f"most {MAX_WORD} letters"
                    )
            object.__setattr__(self, field.name, tuple(word.lower() for word in words))
        if not 1 <= (count := len(self.words)) <= MAX_WORDS:
            raise CheckpointError(f"vocabulary has {count} words; expected 1 to {MAX_WORDS:,}")

    @classmethod
    def from_json(cls, value: object) -> Vocabulary:
        """Read the value of `vocabulary` in `roma_config.json`.

        Raises:
            CheckpointError: it is not an object with lists of words.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(value, Mapping) or set(value) - set(names):
            raise CheckpointError(
                f"vocabulary is {str(value)[:60]!r}; expected an object with lists of words under "
                f"{names}"
            )
        return cls(**value)

    def as_json(self) -> dict[str, Any]:
        """Return the object that `from_json` reads."""
        return asdict(self)

    @property
    def words(self) -> tuple[str, ...]:
        """All words: sounds, sights and others."""
        return (*self.sounds, *self.sights, *self.others)

    def unknown(self, text: str) -> tuple[str, ...]:
        """Return the content words of a text that the vocabulary has in no inflection, in order."""
        known = _stems(self.words)
        return tuple(word for word in content_words(text) if not _stems([word]) & known)

    def warning(self, text: str, name: str) -> str:
        """Return a warning if a text has unknown words or no content word at all, else "".

        Args:
            text: instruction or question.
            name: name of the checkpoint, for the message.
        """
        unknown = self.unknown(text)
        if unknown:
            shown = " or ".join(f"'{word[:MAX_WORD]}'" for word in unknown[:SHOWN_UNKNOWN])
            more = len(unknown) - SHOWN_UNKNOWN
            shown += f" (and {more} more)" if more > 0 else ""
            return f"{name} knows no {shown}; it knows {self._known()}"
        if not content_words(text):
            return (
                f"{text.strip()[:60]!r} names nothing that {name} knows; it knows {self._known()}"
            )
        return ""

    def _known(self) -> str:
        named = [("sounds", self.sounds), ("sights", self.sights)]
        if not (self.sounds or self.sights):
            named = [("words", self.others)]
        return " and ".join(f"the {kind} {_listed(words)}" for kind, words in named if words)


def _listed(words: tuple[str, ...]) -> str:
    more = len(words) - SHOWN_KNOWN
    return ", ".join(words[:SHOWN_KNOWN]) + (f" and {more} more" if more > 0 else "")


def _stems(words: Iterable[str]) -> frozenset[str]:
    """Return all stems that the words may be inflections of, themselves included."""
    return frozenset(stem for word in words for stem in _stems_of(word))


def _stems_of(word: str) -> set[str]:
    """Return stems that an English word may have, itself included: "knocking" -> "knock"."""
    stems = {word}
    for ending in ("s", "es", "ed", "d", "ing"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= SHORTEST_STEM:
            stems.add(stem)
            if ending in ("ed", "ing"):
                stems.add(stem + "e")  # moving -> move
                if stem[-1] == stem[-2] and len(stem) > SHORTEST_STEM:
                    stems.add(stem[:-1])  # stopped -> stop
    if word.endswith(("ies", "ied")) and len(word) > 2 + SHORTEST_STEM:
        stems.add(word[:-3] + "y")
    return stems
