"""What a session does when its context window is full: evict units, or hand over."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

from roma_ros.thinker.errors import ContextError

__all__ = ["MAX_CONTEXT_SECONDS", "ContextLength", "ContextPolicy"]

MAX_CONTEXT_SECONDS = 86_400


class ContextPolicy(enum.Enum):
    """What a session does when its context window is full."""

    EVICT = "evict"
    """Evict the oldest unit for each new one. Keys and values of the units left were computed
    while the evicted ones were visible, which a checkpoint has to be trained for."""
    HANDOVER = "handover"
    """Continue in a second context, which was opened later and has evicted nothing, so that the
    checkpoint only sees streams as it was trained on: from their beginning."""

    @classmethod
    def of(cls, value: ContextPolicy | str | None) -> ContextPolicy | None:
        """Return the policy with a name; `None` for "auto" and `None`.

        Raises:
            ContextError: there is no such policy.
        """
        if value is None or value == "auto":
            return None
        try:
            return cls(value)
        except ValueError:
            known = ["auto", *(policy.value for policy in cls)]
            raise ContextError(f"context_policy is {value!r}; expected one of {known}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextLength:
    """Length of a session's window, and how it goes on when that is full.

    Attributes:
        units: most units in sight.
        overlap: units in sight right after a handover; 0: no handover, units are evicted.
    """

    units: int
    overlap: int

    @classmethod
    def of(cls, seconds: float, policy: ContextPolicy, overlap: float | None) -> ContextLength:
        """Return the length of a window given in seconds.

        A window of one unit has nothing to hand over, and is evicted under both policies.

        Args:
            seconds: length of the window, 1 to 86,400 s.
            policy: what to do when it is full.
            overlap: seconds that stay in sight at a handover, from 1 s to half of the window;
                `None` for half of it.

        Raises:
            ContextError: a length is out of range.
        """
        if not 1 <= seconds <= MAX_CONTEXT_SECONDS:
            raise ContextError(
                f"context_seconds is {seconds:g}; expected 1 to {MAX_CONTEXT_SECONDS:,}"
            )
        units = math.floor(seconds)
        half = units // 2
        if overlap is not None and not 1 <= overlap <= max(1, half):
            raise ContextError(
                f"handover_overlap is {overlap:g} s; expected 1 s to half of the window, which is "
                f"{units / 2:g} s (context_seconds={seconds:g}): a longer one would need a third "
                "context"
            )
        if policy is ContextPolicy.EVICT:
            return cls(units=units, overlap=0)
        return cls(units=units, overlap=half if overlap is None else min(half, int(overlap)))
