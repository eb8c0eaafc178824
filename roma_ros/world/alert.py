"""Alerts: instructions to wait for an event, and the seconds in which it happens."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np

from roma_ros.world.scene import Scene
from roma_ros.world.senses import Senses
from roma_ros.world.splits import Purpose, generator
from roma_ros.world.words import Colour, Look, Shape, Sound, counted

__all__ = [
    "ALERT_KINDS",
    "AlertKind",
    "Window",
    "WorldAlert",
    "WorldEvent",
    "draw_alerts",
    "windows",
]


class AlertKind(enum.Enum):
    """What it takes to notice the event."""

    VISUAL = "visual"
    TOUCH = "touch"
    AUDIO = "audio"
    JOINT = "joint"


ALERT_KINDS = {
    AlertKind.VISUAL: 0.35,
    AlertKind.TOUCH: 0.15,
    AlertKind.AUDIO: 0.25,
    AlertKind.JOINT: 0.25,
}
"""How often each is drawn."""
HAPPENS = 0.65  # share of the instructions whose event does happen
EVERY_TIME = 0.5  # share of those that ask for every time, where there is more than one


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldEvent:
    """What may happen: a look appears, touches another, a sound is heard, or both at once.

    Attributes:
        look: that appears, or touches `other`.
        other: that is touched.
        sound: that is heard.
        count: just as many of it, one after another; `None` for any number.
    """

    look: Look | None = None
    other: Look | None = None
    sound: Sound | None = None
    count: int | None = None

    @property
    def kind(self) -> AlertKind:
        if self.look is None:
            return AlertKind.AUDIO
        if self.other is not None:
            return AlertKind.TOUCH
        return AlertKind.VISUAL if self.sound is None else AlertKind.JOINT

    def happens(self, senses: Senses) -> np.ndarray:
        """The units in which it can be noticed: bool (seconds,)."""
        if self.look and self.other:
            return senses.touching(self.look, self.other)
        units = np.ones(senses.scene.seconds, bool)
        if self.look:
            units &= senses.seen(self.look)
        if self.sound:
            units &= senses.heard(self.sound, self.count)
        return units

    @property
    def condition(self) -> str:
        """As it stands in an instruction: `you hear two beeps`."""
        if self.look is None:
            return f"you hear {self._sound}"
        return self._sight

    @property
    def report(self) -> str:
        """As it is reported: `two beeps sound.`"""
        if self.look is None:
            return f"{self._sound} sound{'' if (self.count or 1) > 1 else 's'}."
        return f"{self._sight}."

    @property
    def _sight(self) -> str:
        if self.other:
            return f"a {self.look} touches a {self.other}"
        return f"a {self.look} appears" + (f" while {self._sound} sounds" if self.sound else "")

    @property
    def _sound(self) -> str:
        assert self.sound is not None
        return counted(self.sound, self.count or 1)


@dataclass(frozen=True, slots=True)
class Window:
    """The units [first, last] in which an event goes on."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class WorldAlert:
    """An instruction, and where its event happens.

    Attributes:
        event: that is waited for.
        every_time: the instruction says that it may happen more than once.
        labels: the units in which the alert is right: bool (seconds,).
    """

    event: WorldEvent
    every_time: bool
    labels: np.ndarray = field(repr=False)

    @property
    def instruction(self) -> str:
        return f"alert me {'every time' if self.every_time else 'when'} {self.event.condition}"

    @property
    def windows(self) -> tuple[Window, ...]:
        """Each time that it happens."""
        return windows(self.labels)


def windows(labels: np.ndarray) -> tuple[Window, ...]:
    """The runs of true in bool (seconds,)."""
    edges = np.flatnonzero(np.diff(labels.astype(np.int8), prepend=0, append=0))
    return tuple(
        Window(first, stop - 1)
        for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    )


def draw_alerts(
    scene: Scene, count: int, kinds: Sequence[AlertKind] = tuple(AlertKind)
) -> tuple[WorldAlert, ...]:
    """Different instructions for one scene, of which about a third wait for what never happens.

    What never happens is nearly there: the same shape in another colour, the same colour in another
    shape, the right look while the wrong sound is heard, another number of the same sound.

    Args:
        scene: decides, with its seed, what is drawn.
        count: of the instructions; there are fewer if the scene has too little in it.
        kinds: that may be drawn.
    """
    random = generator(scene.seed, Purpose.ALERTS)
    senses = Senses(scene)
    choice = _Choice(senses, random)
    odds = np.array([ALERT_KINDS[kind] for kind in kinds])
    alerts: dict[WorldEvent, WorldAlert] = {}
    for _ in range(4 * count):
        if len(alerts) == count:
            break
        kind = kinds[random.choice(len(kinds), p=odds / odds.sum())]
        events = choice.of(kind, happening=bool(random.random() < HAPPENS))
        if not events:
            continue
        event = events[random.integers(len(events))]
        labels = event.happens(senses)
        again = len(windows(labels)) != 1
        alerts[event] = WorldAlert(event, again and bool(random.random() < EVERY_TIME), labels)
    return tuple(alerts.values())


class _Choice:
    """What one may ask for in a scene: what happens, and what nearly does."""

    def __init__(self, senses: Senses, random: np.random.Generator) -> None:
        self._senses = senses
        self._random = random
        self._looks = list(dict.fromkeys(figure.look for figure in senses.figures))
        self._sounds = list(dict.fromkeys(event.kind for event in senses.sounds))
        self._never = self._never_seen()
        self._events: dict[tuple[AlertKind, bool], list[WorldEvent]] = {}

    def of(self, kind: AlertKind, *, happening: bool) -> list[WorldEvent]:
        """Events of a kind; `happening` is whether they ever do."""
        if (kind, happening) not in self._events:
            found: dict[bool, list[WorldEvent]] = {True: [], False: []}
            for event in dict.fromkeys(CANDIDATES[kind](self)):
                found[bool(event.happens(self._senses).any())].append(event)
            self._events |= {(kind, key): events for key, events in found.items()}
        return self._events[kind, happening]

    def _never_seen(self) -> list[Look]:
        """Looks whose colour and shape are both seen, never together; some with one of the two."""
        colours = {look.colour for look in self._looks}
        shapes = {look.shape for look in self._looks}
        unseen = [
            look
            for look in (Look(*pair) for pair in product(Colour, Shape))
            if look not in self._looks
        ]
        near = [look for look in unseen if look.colour in colours and look.shape in shapes]
        half = [look for look in unseen if (look.colour in colours) != (look.shape in shapes)]
        some = self._random.permutation(len(half))[: len(near) // 2 + 1]
        return near + [half[index] for index in some]

    def visual(self) -> Iterator[WorldEvent]:
        for look in self._looks + self._never:
            yield WorldEvent(look=look)

    def touch(self) -> Iterator[WorldEvent]:
        for touch in self._senses.touches:
            yield WorldEvent(look=touch.mover, other=touch.other)
        for look, other in combinations(self._looks, 2):
            if not self._senses.touching(look, other).any():
                yield WorldEvent(look=look, other=other)

    def audio(self) -> Iterator[WorldEvent]:
        for sound in Sound:
            yield WorldEvent(sound=sound)
        for sound, count in product(self._sounds, (2, 3)):
            if sound.countable:
                yield WorldEvent(sound=sound, count=count)

    def joint(self) -> Iterator[WorldEvent]:
        for look, sound in product(self._looks, Sound):
            yield WorldEvent(look=look, sound=sound)
        for look, sound in product(self._never, self._sounds):
            yield WorldEvent(look=look, sound=sound)


CANDIDATES: dict[AlertKind, Callable[[_Choice], Iterator[WorldEvent]]] = {
    AlertKind.VISUAL: _Choice.visual,
    AlertKind.TOUCH: _Choice.touch,
    AlertKind.AUDIO: _Choice.audio,
    AlertKind.JOINT: _Choice.joint,
}
