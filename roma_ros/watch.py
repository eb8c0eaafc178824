"""Watch: an instruction with the settings of its trigger. Plain data, free of torch."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from roma_ros.recording import Recording
from roma_ros.triggers import MAX_WINDOW, AlertTrigger, NarrationTrigger

__all__ = [
    "DEFAULT_COOLDOWN",
    "DEFAULT_THRESHOLD",
    "DEFAULT_WINDOW",
    "MAX_COOLDOWN",
    "MAX_INSTRUCTION",
    "UnknownWatchError",
    "Watch",
    "WatchError",
    "WatchKind",
    "check_id",
    "quoted",
]

# What roma_tiny is measured with (`roma eval world`); the presets of larger models have their own.
DEFAULT_THRESHOLD = 0.5  # of alerts and narrations
DEFAULT_WINDOW = 1  # units: most events of the small world are over after one
DEFAULT_COOLDOWN = 0.0  # seconds
MAX_INSTRUCTION = 500  # characters
MAX_COOLDOWN = 3600.0  # seconds
MAX_ID = 64  # characters
_ID = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_ID}}}")
_QUOTED = 40  # characters of a text that is quoted in a message


class WatchError(ValueError):
    """Raised when a watch cannot be added: id, settings, too many watches, or no speak head."""


class UnknownWatchError(WatchError):
    """Raised when there is no watch of this id."""


def quoted(text: str) -> str:
    """Return the quoted beginning of a text from outside, for a message."""
    return repr(text if len(text) <= _QUOTED else text[: _QUOTED - 1] + "…")


def check_id(watch_id: str) -> None:
    """Check the id of a watch.

    Raises:
        WatchError: it is empty, too long, or has characters that are not allowed.
    """
    if _ID.fullmatch(watch_id) is None:
        raise WatchError(
            f"the watch's id is {quoted(watch_id) if watch_id else 'empty'}, of {len(watch_id)} "
            f"characters; expected 1 to {MAX_ID} of A-Z a-z 0-9 _ . - such as 'front_door'"
        )


class WatchKind(enum.Enum):
    """Kind of a watch: an alert reports an event once, a narration describes continually."""

    ALERT = "alert"
    NARRATION = "narration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """An instruction to watch for, with the settings of its trigger; it has a session of its own.

    Args:
        id: name of the watch, 1 to 64 of `[A-Za-z0-9_.-]`.
        kind: alert: raised once when an event happens; narration: describes the scene continually.
        instruction: text of what to watch for, 1 to 500 characters.
        threshold: lowest p(speak) that counts, in (0, 1].
        window: alert: units in a row that must reach the threshold, 1 to 60; narration: 1.
        cooldown: alert: seconds after an alert in which none is raised, 0 to 3600; narration: 0.
        reply: alert: add words on what happened. A narration always has words.
        recording: the instruction as recorded speech, which the model takes in place of
            `instruction`. `None`: it reads; for a model that takes only spoken instructions, the
            text is synthesized.

    Raises:
        WatchError: one of them is out of its range; the message names it.
    """

    id: str
    kind: WatchKind
    instruction: str
    threshold: float
    window: int = 1
    cooldown: float = 0.0
    reply: bool = False
    recording: Recording | None = None

    def __post_init__(self) -> None:
        check_id(self.id)
        length = len(self.instruction)
        if not self.instruction.strip() or length > MAX_INSTRUCTION:
            raise WatchError(
                f"watch {self.id!r}: the instruction has {length} characters "
                f"({quoted(self.instruction)}); expected words, at most {MAX_INSTRUCTION} "
                "characters, that say what to watch for"
            )
        if not 0 < self.threshold <= 1:
            raise WatchError(
                f"watch {self.id!r}: threshold is {self.threshold}; it is compared with p(speak), "
                "so expected above 0 and at most 1"
            )
        if self.window != int(self.window) or not 1 <= self.window <= MAX_WINDOW:
            raise WatchError(
                f"watch {self.id!r}: window is {self.window}; expected 1 to {MAX_WINDOW} units"
            )
        if not 0 <= self.cooldown <= MAX_COOLDOWN:
            raise WatchError(
                f"watch {self.id!r}: cooldown is {self.cooldown} s; "
                f"expected 0 to {MAX_COOLDOWN:.0f} s"
            )
        if self.kind is WatchKind.NARRATION and (self.window != 1 or self.cooldown):
            raise WatchError(
                f"watch {self.id!r}: window is {self.window} and cooldown is {self.cooldown} s; "
                "expected 1 and 0 for a narration; leave both out, or make it an alert"
            )

    @property
    def speaks(self) -> bool:
        """Whether words are decoded when the watch triggers."""
        return self.reply or self.kind is WatchKind.NARRATION

    def trigger(self) -> AlertTrigger | NarrationTrigger:
        """Return a new trigger with this watch's settings."""
        if self.kind is WatchKind.NARRATION:
            return NarrationTrigger(self.threshold)
        return AlertTrigger(self.threshold, self.window, self.cooldown)
