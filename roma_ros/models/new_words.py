"""New words for the tokenizer of a trained checkpoint: one token each, in unused embedding rows.

Byte-level BPE spells a word that it was not trained on in pieces, down to single letters. A model
of a few million parameters learns such words slowly. The merges that are added come after all
others, so that the tokens of known words stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

import torch
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from roma_ros.thinker import CheckpointError, RomaThinker

__all__ = ["add_words", "spelled_words"]

WORD = re.compile(r" ?[a-z]+", re.IGNORECASE)  # with the space before it, as the tokenizer splits


def spelled_words(tokenizer: PreTrainedTokenizerFast, texts: Iterable[str]) -> list[str]:
    """Return the words of texts that take more than one token, sorted.

    A word has the space before it, if there is one: " dog" and "dog" have different tokens.

    Args:
        tokenizer: byte-level BPE tokenizer.
        texts: sentences in English.
    """
    words = {word for text in texts for word in WORD.findall(text)}
    return sorted(word for word in words if len(tokenizer.tokenize(word)) > 1)


def add_words(thinker: RomaThinker, words: Iterable[str]) -> int:
    """Give each word a token of its own, in embedding rows that no token uses yet.

    A row starts as the mean of the rows of its pieces, at the mean length of all rows.

    Args:
        thinker: thinker whose tokenizer and embeddings are extended.
        words: words as `spelled_words` returns them.

    Returns:
        Number of new tokens, the steps between pieces and words included.

    Raises:
        CheckpointError: the embeddings have too few unused rows; nothing is changed.
    """
    tokenizer = thinker.tokenizer
    state = json.loads(tokenizer.backend_tokenizer.to_str())
    model = state["model"]
    first = len(tokenizer)
    # The ids of special tokens lie between old and new ones, and a vocabulary must have no holes.
    model["vocab"] |= {token["content"]: token["id"] for token in state["added_tokens"]}
    pieces: dict[str, list[str]] = {}
    for word in words:
        pieces[word] = tokenizer.tokenize(word)
    origins: list[tuple[str, str]] = []
    while pair := next((tuple(parts[:2]) for parts in pieces.values() if len(parts) > 1), None):
        left, right = pair
        model["vocab"][left + right] = first + len(origins)
        model["merges"].append([left, right])
        origins.append((left, right))
        pieces = {word: _merged(parts, left, right) for word, parts in pieces.items()}
    rows = thinker.backbone.get_input_embeddings().weight
    if first + len(origins) > len(rows):
        raise CheckpointError(
            f"{len(pieces)} words need {len(origins)} tokens, and {len(rows) - first} of the "
            f"{len(rows)} embedding rows are unused"
        )
    used = rows[:first].detach().norm(dim=1).mean()
    with torch.no_grad():
        for left, right in origins:
            mean = (rows[model["vocab"][left]] + rows[model["vocab"][right]]) / 2
            rows[model["vocab"][left + right]] = mean * used / mean.norm()
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(state))
    return len(origins)


def _merged(parts: list[str], left: str, right: str) -> list[str]:
    """Return the pieces of a word with each pair of `left` and `right` merged."""
    merged: list[str] = []
    for part in parts:
        if merged and merged[-1] == left and part == right:
            merged[-1] = left + right
        else:
            merged.append(part)
    return merged
