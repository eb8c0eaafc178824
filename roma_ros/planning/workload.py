"""Workload of a model: size of units, length of the window, number of watches."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.planning.errors import PlanningError

__all__ = ["Workload"]

PIXELS_PER_TOKEN = 28 * 28
AUDIO_TOKENS = 25
MARKERS = 4
# As roma_ros.thinker.window sizes the cache and roma_ros.thinker.session divides the work of a
# second context; a test compares them.
TEXT_TOKENS_PER_UNIT = 8
UNITS_DURING_BRANCH = 16
QUESTION_AND_ANSWER = 256 + 128 + 32
READ_STEP = 64
UNITS_PER_PASS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Workload of one stream.

    Attributes:
        pixels: largest area of a resized frame in pixels; at least 784, one video token.
        video_tokens: video tokens of a unit; `None` for the most that `pixels` allows.
        context_seconds: units in the window, at one a second; at least 1.
        handover: whether a session continues in a second context when the first is full, as for
            checkpoints that were not trained on eviction.
        watches: number of sessions, each with a KV cache and a backbone step a second; at least 1.
        opening_tokens: tokens of system prompt and instruction.

    Raises:
        PlanningError: a value is out of range.
    """

    pixels: int = 65_536
    video_tokens: int | None = None
    context_seconds: int = 60
    handover: bool = True
    watches: int = 1
    opening_tokens: int = 64

    def __post_init__(self) -> None:
        if self.pixels < PIXELS_PER_TOKEN:
            raise PlanningError(f"pixels is {self.pixels}; expected at least {PIXELS_PER_TOKEN}")
        for name in ("context_seconds", "watches"):
            if getattr(self, name) < 1:
                raise PlanningError(f"{name} is {getattr(self, name)}; expected at least 1")

    @property
    def most_video_tokens(self) -> int:
        """Most video tokens of a unit."""
        return self.pixels // PIXELS_PER_TOKEN

    @property
    def seen_video_tokens(self) -> int:
        """Video tokens of a unit."""
        return self.most_video_tokens if self.video_tokens is None else self.video_tokens

    @property
    def unit_tokens(self) -> int:
        """All tokens of a unit: markers, audio and video."""
        return MARKERS + AUDIO_TOKENS + self.seen_video_tokens

    @property
    def seen_tokens(self) -> int:
        """Tokens that each new token attends to when the window is full."""
        return self.opening_tokens + self.context_seconds * self.unit_tokens

    @property
    def cache_tokens(self) -> int:
        """Capacity of one session's caches in tokens."""
        reserve = QUESTION_AND_ANSWER + self.opening_tokens
        first = self._slots_for(self.context_seconds, reserve)
        return first + (self._slots_for(self.overlap, 0) if self.overlap else 0)

    @property
    def overlap(self) -> int:
        """Units in sight right after a handover; 0 without handover."""
        return self.context_seconds // 2 if self.handover else 0

    @property
    def pass_tokens(self) -> int:
        """Tokens that the second context processes in one pass; 0 without handover."""
        return UNITS_PER_PASS * self.unit_tokens if self.overlap else 0

    @property
    def passes_per_unit(self) -> float:
        """Passes of the second context for each unit of the stream, on average."""
        return self.overlap / (self.context_seconds - self.overlap) / UNITS_PER_PASS

    def _slots_for(self, units: int, reserve: int) -> int:
        unit = MARKERS + AUDIO_TOKENS + self.most_video_tokens + TEXT_TOKENS_PER_UNIT
        tokens = self.opening_tokens + unit * (units + UNITS_DURING_BRANCH) + reserve
        return -(-tokens // READ_STEP) * READ_STEP
