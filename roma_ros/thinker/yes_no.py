"""Deciding by a question: after each unit, whether the time has come, answered yes or no."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.speak_source import StateTokens

__all__ = ["CONDITION_HOLDS", "EVENT_HAS_ENDED", "yes_no_tokens"]

# Each stands in the user's turn, after the unit that it is about.
CONDITION_HOLDS = (
    "Question about the last second of this stream alone. The instruction is: "
    '"{instruction}" Does what it waits for happen right now? Answer with one word, yes or no.'
)
EVENT_HAS_ENDED = (
    "Question about the last second of this stream alone. The instruction is: "
    '"{instruction}" Has something that it asks to be described just come to its end? '
    "Answer with one word, yes or no."
)


def yes_no_tokens(tokenizer: PreTrainedTokenizerBase) -> StateTokens:
    """Every token that is "yes" or "no" by itself, whatever its case and the space around it.

    Returns:
        `speak`: the spellings of yes; `silent`: those of no. `sigmoid` of their `logit` is
        P(yes) / (P(yes) + P(no)).

    Raises:
        CheckpointError: the tokenizer has no such token for one of the two.
    """
    found: dict[str, list[int]] = {"yes": [], "no": []}
    for token, number in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
        # Letters stand for themselves in every kind of vocabulary, the space around them does not.
        if any(word in token.casefold() for word in found):
            text = str(tokenizer.decode([number])).strip().casefold()
            found.get(text, []).append(number)
    if missing := [word for word, ids in found.items() if not ids]:
        raise CheckpointError(
            f"speak_source is yes_no, and the tokenizer has no single token for {missing}; "
            "use a checkpoint with a speak head, or another tokenizer"
        )
    return StateTokens(silent=tuple(found["no"]), speak=tuple(found["yes"]))
