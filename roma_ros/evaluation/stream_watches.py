"""Watches of the evaluation on continuous streams: alerts, typed or spoken, and narrations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from roma_ros.evaluation.stream_protocol import StreamProtocol
from roma_ros.recording import Recording
from roma_ros.speech import say
from roma_ros.units import UNIT_RATE
from roma_ros.watch import Watch, WatchKind
from roma_ros.world import NARRATION_INSTRUCTION, Split, WorldAlert
from roma_ros.world.splits import Purpose, generator
from roma_ros.world.voices import draw_voice

__all__ = ["LEAD", "AlertCase", "alert_watch", "narration_watch", "spoken_cases", "typed_case"]

LEAD = 8  # units before the first scene, in which instructions are spoken


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AlertCase:
    """One alert on a stream.

    Attributes:
        group, kind, instruction, labels, unclear: as in `StreamAlert`.
        spoken: the instruction as audio; `None` if it is typed.
        fresh: whether fresh sessions are run beside the one that follows the whole stream.
    """

    group: str
    kind: str
    instruction: str
    labels: np.ndarray
    unclear: np.ndarray | None = None
    spoken: np.ndarray | None = None
    fresh: bool = True


def alert_watch(case: AlertCase, protocol: StreamProtocol) -> Watch:
    """Return the watch of an alert."""
    return Watch(
        id="alert",
        kind=WatchKind.ALERT,
        instruction=case.instruction,
        threshold=protocol.triggers.threshold,
        window=protocol.triggers.window,
        recording=None if case.spoken is None else Recording(case.spoken),
    )


def narration_watch(protocol: StreamProtocol) -> Watch:
    """Return the watch of a narration."""
    return Watch(
        id="narration",
        kind=WatchKind.NARRATION,
        instruction=NARRATION_INSTRUCTION,
        threshold=protocol.triggers.narration_threshold,
    )


def typed_case(alert: WorldAlert, group: str, *, fresh: bool) -> AlertCase:
    """Return an alert of a stream as a case of a group."""
    return AlertCase(
        group=group,
        kind=alert.event.kind.value,
        instruction=alert.instruction,
        labels=alert.labels,
        fresh=fresh,
    )


def spoken_cases(
    alerts: Sequence[WorldAlert], count: int, seed: int, *, fresh: bool
) -> Iterator[AlertCase]:
    """Yield alerts with spoken instructions that fit into the lead."""
    random = generator(seed, Purpose.VOICES)
    for alert in alerts:
        if not count:
            return
        spoken = say(alert.instruction, draw_voice(random, Split.of(seed)))
        if math.ceil(len(spoken) / UNIT_RATE) < LEAD:
            count -= 1
            yield replace(typed_case(alert, "spoken", fresh=fresh), spoken=spoken)
