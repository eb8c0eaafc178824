"""Texts of annotation files and of replies: plain text, options, letters."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

__all__ = ["contains_words", "option_texts", "plain_text", "read_letter"]

_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]*(?:\s[^<>]*)?/?>")
_LABEL = re.compile(r"\(?(?P<letter>[A-Z])[.):](?:\s+|(?=\S))(?P<text>.*)", re.DOTALL)
_BREAK = re.compile(r"<\s*br\s*/?>", re.IGNORECASE)


def plain_text(text: str) -> str:
    """Return a text without HTML tags and entities, with single spaces."""
    return " ".join(html.unescape(_TAG.sub("", _BREAK.sub(" ", text))).split())


def option_texts(options: Sequence[str]) -> tuple[str, ...]:
    """Return options without the letters that some files put before them.

    The letter of an option is that of its position: `A` is the first, whatever letter stands before
    it. Options count as labelled if more than half of them are, and the first with `A`. In such a
    list, an empty option is left out, and one without a letter is the rest of the one before it.
    """
    labels = [_LABEL.fullmatch(option.strip()) for option in options]
    count = sum(label is not None for label in labels)
    first = labels[0] if labels else None
    if first is None or first["letter"] != "A" or 2 * count <= len(options):
        return tuple(plain_text(option) for option in options)
    texts: list[str] = []
    for option, label in zip(options, labels, strict=True):
        if label is not None:
            texts.append(label["text"])
        elif option.strip():
            texts[-1] += ", " + option.strip()
    return tuple(map(plain_text, texts))


def read_letter(response: str | None, options: int) -> str | None:
    """Return the only letter that a response gives as its answer, or `None`.

    A letter counts if it stands alone: `B`, `b.`, `(B)`, `B. A dog`, `The answer is B`. An `A` that
    begins a sentence (`A dog`) does not, and a response with two letters gives no answer.

    Args:
        response: text of the reply.
        options: number of options.
    """
    text = plain_text(response or "")
    letters = "".join(chr(ord("A") + index) for index in range(options))
    if not letters:
        return None
    start = re.match(rf"\(?([{letters}{letters.lower()}])(?:[.):,]|$)", text)
    if start is not None:
        return start[1].upper()
    alone = re.findall(rf"(?<![\w'])[{letters}](?![\w'])(?!\s+[a-z])", text)
    return alone[0] if len(set(alone)) == 1 else None


def contains_words(response: str, wanted: str) -> bool:
    """Return whether a response contains the wanted words, ignoring case and spaces around them."""
    pattern = r"(?<!\w)" + re.escape(plain_text(wanted).lower()) + r"(?!\w)"
    return re.search(pattern, plain_text(response).lower()) is not None
