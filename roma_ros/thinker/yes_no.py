"""p(speak) from a question after each unit that is answered with yes or no."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.speak_source import StateTokens

__all__ = ["CONDITION_HOLDS", "EVENT_HAS_ENDED", "yes_no_tokens"]

# The question follows the unit that it is about, in the user turn.
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
    """Return the tokens that spell "yes" or "no", in any case and with any space around.

    Returns:
        Tokens for yes as `speak` and for no as `silent`; `sigmoid` of their `logit` is
        P(yes) / (P(yes) + P(no)).

    Raises:
        CheckpointError: the tokenizer has no single token for one of the two words.
    """
    found: dict[str, list[int]] = {"yes": [], "no": []}
    for token, number in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1]):
        # Vocabularies encode spaces differently, letters not; so decode only the candidates.
        if any(word in token.casefold() for word in found):
            text = str(tokenizer.decode([number])).strip().casefold()
            found.get(text, []).append(number)
    if missing := [word for word, ids in found.items() if not ids]:
        raise CheckpointError(
            f"speak_source is yes_no, and the tokenizer has no single token for {missing}; "
            "use a checkpoint with a speak head, or another tokenizer"
        )
    return StateTokens(silent=tuple(found["no"]), speak=tuple(found["yes"]))
