"""Instructions for events and narrations, in varied words; texts without HTML and double spaces."""

from __future__ import annotations

import re
from random import Random

__all__ = ["alert_instruction", "content_words", "is_instruction", "narration_instruction"]

ALERT_TEMPLATES = (
    "Alert me when {event}.",
    "Tell me when {event}.",
    "Let me know when {event}.",
    "Let me know as soon as {event}.",
    "Notify me when {event}.",
    "Warn me as soon as {event}.",
    "Watch the video and tell me when {event}.",
    "Remind me when {event}.",
    "Keep watching, and speak up when {event}.",
    "Give me a signal the moment {event}.",
    "As soon as {event}, tell me.",
    "I want to know when {event}.",
)
PHRASE_TEMPLATES = (  # for an event without a verb, such as "red car on the left"
    "Alert me when this happens: {event}.",
    "Alert me when you see this: {event}.",
    "Tell me when this comes: {event}.",
    "Let me know when you notice this: {event}.",
    "Watch for this, and tell me: {event}.",
)
NARRATION_INSTRUCTIONS = (
    "Describe what happens, as it happens.",
    "Tell me each step when it is done.",
    "Narrate the video while it plays.",
    "Say in a sentence what has just happened.",
    "Keep me informed about what is going on.",
    "Comment on the events one after another.",
    "Sum up every part of the video when it ends.",
)
INSTRUCTION = re.compile(
    r"(please |keep |always )?(alert|tell|let|notify|warn|watch|say|remind|inform|give|call|wake"
    r"|raise|describe|narrate|signal|speak|shout|as soon as|when|whenever|if|once)\b",
    re.IGNORECASE,
)
SUBJECT = re.compile(
    r"(a|an|the|some|someone|something|somebody|he|she|it|they|we|you|i|there|this|that|these|those|his|her"
    r"|their|my|our|your|two|three|four|five|several|many|another|people|person|man|woman)\b",
    re.IGNORECASE,
)
WORD = re.compile(r"[^\W_]+")
COMMON = frozenset(
    WORD.findall(
        "a an and are as at be been being by can do does down for from goes had has have he her "
        "him his in into is it its just me my of off on one onto or our out over own put puts see "
        "she some someone somebody take takes that the their them then there they this to two up "
        "use uses was we were when where while who with you your first second last person people "
        "man woman boy girl camera video get gets again back start starts begins begin"
    )
)


def is_instruction(text: str) -> bool:
    """Return whether a text is an instruction already, such as "tell me when ...\""""
    return INSTRUCTION.match(text) is not None


def alert_instruction(event: str, random: Random) -> str:
    """Return an instruction to wait for an event; one that is an instruction already as it is.

    Args:
        event: a sentence, or a phrase, such as "Bird on left".
        random: source of the choice of the words.
    """
    if is_instruction(event):
        return event
    templates = ALERT_TEMPLATES if SUBJECT.match(event) else PHRASE_TEMPLATES
    return random.choice(templates).format(event=_within(event))


def narration_instruction(random: Random) -> str:
    """Return an instruction to describe everything."""
    return random.choice(NARRATION_INSTRUCTIONS)


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text that say what it is about, without their common endings."""
    words = {word.lower() for word in WORD.findall(text)} - COMMON
    return frozenset(re.sub(r"(ing|ed|es|s)$", "", word) or word for word in words)


def _within(event: str) -> str:
    """Return a sentence as it stands within another: no full stop, and a small first letter."""
    text = event.strip().rstrip(".!; ")
    first = text.split(maxsplit=1)[0] if text else ""
    is_name = first in {"I", "I'm"} or any(letter.isupper() for letter in first[1:])
    return text if is_name or not SUBJECT.match(text) else text[:1].lower() + text[1:]
