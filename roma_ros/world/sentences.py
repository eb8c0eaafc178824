"""All phrases on recorded sounds in the world, for the new words of a tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from roma_ros.world.alert import WORDINGS
from roma_ros.world.words import ESC_10, RecordedSound, listed

__all__ = ["recorded_sentences"]


def recorded_sentences(kinds: Sequence[RecordedSound] = ESC_10) -> Iterator[str]:
    """Yield every instruction, report, narration, question and answer on recorded sounds.

    Sentences that mix kinds with each other or with figures have no other words.
    """
    for kind in kinds:
        for wording in WORDINGS:
            for when in ("when", "every time"):
                yield wording.format(when=when, condition=kind.condition, hearing=kind.hearing)
        yield f"a red circle appears while {kind.condition}."
        yield f"{kind.condition}."
        yield f"{kind.past}."
        yield f"{listed([kind.past, kind.past])}."
        yield f"do you hear {kind.noun} now?"
        yield f"{kind.question}?"
        yield f"which came first, {kind.noun} or {kind.noun}?"
        yield f"a {kind.value}"
        yield kind.value
    yield from (
        "what do you hear?",
        "what do you hear now?",
        "what was the first sound?",
        "what was the last sound?",
    )
