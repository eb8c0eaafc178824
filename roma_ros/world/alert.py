"""Alert instructions of a scene, and the units in which their events happen."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product

import numpy as np

from roma_ros.world.scene import Scene
from roma_ros.world.senses import Senses
from roma_ros.world.sights import SIGHTS, Sight
from roma_ros.world.splits import Purpose, Split, generator
from roma_ros.world.words import AnySound, Colour, Look, RecordedSound, Shape, Sound, counted

__all__ = [
    "ALERT_KINDS",
    "COMMON_KINDS",
    "PLAIN_WORDINGS",
    "TRAIN_WORDINGS",
    "WORDINGS",
    "AlertKind",
    "Window",
    "WorldAlert",
    "WorldEvent",
    "draw_alerts",
    "draw_wording",
    "windows",
]


class AlertKind(enum.Enum):
    """Modality that is needed to detect an event."""

    VISUAL = "visual"
    TOUCH = "touch"
    AUDIO = "audio"
    JOINT = "joint"
    SIGHT = "sight"


ALERT_KINDS = {
    AlertKind.VISUAL: 0.35,
    AlertKind.TOUCH: 0.15,
    AlertKind.AUDIO: 0.25,
    AlertKind.JOINT: 0.25,
    AlertKind.SIGHT: 0.25,
}
"""Odds of each kind."""
COMMON_KINDS = tuple(kind for kind in AlertKind if kind is not AlertKind.SIGHT)
"""Kinds of alert on scenes without sights."""
HAPPENS = 0.65  # probability that the event of an instruction happens in the scene
RECORDED_ODDS = 2  # factor on the probability of AUDIO in scenes with recordings
TRAIN_WORDINGS = (
    "alert me {when} {condition}",
    "tell me {when} you hear {hearing}",
    "let me know {when} {condition}",
    "alert me {when} you hear {hearing}",
)
"""Wordings of instructions on recorded sounds in the train split."""
PLAIN_WORDINGS = tuple(wording for wording in TRAIN_WORDINGS if "{hearing}" not in wording)
"""Those that any event can have."""
WORDINGS = (
    *TRAIN_WORDINGS,
    "let me know {when} you hear {hearing}",
    "tell me {when} {condition}",
)
"""Wordings in the other splits: the last ones are never trained on."""
EVERY_TIME = 0.5  # probability of `every time`, unless the event happens exactly once


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldEvent:
    """Event of an alert: a look, a touch, a sound, a look with a sound, or a sight.

    Attributes:
        look: the look that appears, or that touches `other`.
        other: the look that is touched.
        sound: the sound that is heard.
        count: exact number of repetitions of the sound; `None` for any number.
        unknown: text of an event that the world does not have, `a giraffe dances`: never.
        sight: the sight; all others are `None` with it.
        wording: index of the sight's text in an instruction.
    """

    look: Look | None = None
    other: Look | None = None
    sound: AnySound | None = None
    count: int | None = None
    unknown: str = ""
    sight: Sight | None = None
    sight_wording: int = 0

    @property
    def kind(self) -> AlertKind:
        """Modality of the event."""
        if self.sight is not None:
            return AlertKind.SIGHT
        if self.look is None:
            return AlertKind.AUDIO
        if self.other is not None:
            return AlertKind.TOUCH
        return AlertKind.VISUAL if self.sound is None else AlertKind.JOINT

    def happens(self, senses: Senses) -> np.ndarray:
        """Return the units in which the event can be detected: bool (seconds,)."""
        if self.unknown:
            return np.zeros(senses.scene.seconds, bool)
        if self.sight:
            return senses.sight(self.sight)
        if self.look and self.other:
            return senses.touching(self.look, self.other)
        units = np.ones(senses.scene.seconds, bool)
        if self.look:
            units &= senses.seen(self.look)
        if self.sound:
            units &= senses.heard(self.sound, self.count)
        return units

    def unclear(self, senses: Senses) -> np.ndarray | None:
        """Return the units in which it is not clear whether it happens; `None` for none."""
        return senses.unclear(self.sight) if self.sight else None

    @property
    def condition(self) -> str:
        """Text of the event in an instruction: `you hear two beeps`, `a dog barks`."""
        if self.unknown:
            return self.unknown
        if self.look is None and isinstance(self.sound, RecordedSound):
            return self.sound.condition
        if self.sight:
            return self.sight.wordings[self.sight_wording]
        if self.look is None:
            return f"you hear {self._sound}"
        return self._sight

    @property
    def worded(self) -> bool:
        """Whether an instruction on it has several wordings."""
        return bool(self.unknown) or (self.look is None and isinstance(self.sound, RecordedSound))

    @property
    def report(self) -> str:
        """Text of an alert that reports the event: `two beeps sound.`, `a dog barks.`"""
        if self.worded:
            return f"{self.condition}."
        if self.sight:
            return self.sight.report
        if self.look is None:
            return f"{self._sound} sound{'' if (self.count or 1) > 1 else 's'}."
        return f"{self._sight}."

    @property
    def _sight(self) -> str:
        if self.other:
            return f"a {self.look} touches a {self.other}"
        if isinstance(self.sound, RecordedSound):
            return f"a {self.look} appears while {self.sound.condition}"
        return f"a {self.look} appears" + (f" while {self._sound} sounds" if self.sound else "")

    @property
    def _sound(self) -> str:
        assert self.sound is not None
        return counted(self.sound, self.count or 1)


@dataclass(frozen=True, slots=True)
class Window:
    """Units first to last, both included, in which an event goes on."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class WorldAlert:
    """Alert instruction of a scene, with its labels.

    Attributes:
        event: the event to wait for.
        every_time: whether the instruction says `every time` instead of `when`.
        labels: bool (seconds,), the units in which p(speak) should be high.
        wording: form of the instruction, with `{when}`, and `{condition}` or `{hearing}`.
        unclear: bool (seconds,), the units without a label; `None` for none.
    """

    event: WorldEvent
    every_time: bool
    labels: np.ndarray = field(repr=False)
    wording: str = TRAIN_WORDINGS[0]
    unclear: np.ndarray | None = field(default=None, repr=False)

    @property
    def instruction(self) -> str:
        """Text of the instruction."""
        sound = self.event.sound
        return self.wording.format(
            when="every time" if self.every_time else "when",
            condition=self.event.condition,
            hearing=sound.hearing if isinstance(sound, RecordedSound) else "",
        )

    @property
    def windows(self) -> tuple[Window, ...]:
        """Each run of units in which the event goes on."""
        return windows(self.labels)


def windows(labels: np.ndarray) -> tuple[Window, ...]:
    """Return the runs of true values in labels, bool (seconds,)."""
    edges = np.flatnonzero(np.diff(labels.astype(np.int8), prepend=0, append=0))
    return tuple(
        Window(first, stop - 1)
        for first, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    )


def draw_alerts(
    scene: Scene, count: int, kinds: Sequence[AlertKind] = COMMON_KINDS
) -> tuple[WorldAlert, ...]:
    """Draw distinct alert instructions for a scene; the events of about a third never happen.

    Those are hard negatives: the same shape in another colour, the same colour in another shape,
    the right look with the wrong sound, another number of the same sound.

    Args:
        scene: scene that the alerts are for; its seed determines the draw.
        count: number of alerts; fewer are returned if the scene has not enough events.
        kinds: kinds that may be drawn.
    """
    random = generator(scene.seed, Purpose.ALERTS)
    senses = Senses(scene)
    choice = _Choice(senses, random)
    odds = np.array([ALERT_KINDS[kind] for kind in kinds])
    if scene.recorded:
        odds[[kind is AlertKind.AUDIO for kind in kinds]] *= RECORDED_ODDS
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
        every_time = again and bool(random.random() < EVERY_TIME)
        wording = TRAIN_WORDINGS[0]
        if event.worded:
            wording = draw_wording(scene.seed, random)
        elif event.sight or scene.recorded:  # no wording may give away what it is about
            wording = PLAIN_WORDINGS[random.integers(len(PLAIN_WORDINGS))]
        worded = event
        if event.sight:
            held_out = Split.of(scene.seed) is not Split.TEST
            drawn = choice.wording(event.sight, held_out=held_out)
            worded = replace(event, sight_wording=drawn)
        unclear = event.unclear(senses)
        alerts[event] = WorldAlert(worded, every_time, labels, wording, unclear)
    return tuple(alerts.values())


def draw_wording(seed: int, random: np.random.Generator) -> str:
    """Draw the wording of an instruction on a recorded sound, by the split of a scene's seed."""
    wordings = TRAIN_WORDINGS if Split.of(seed) is Split.TRAIN else WORDINGS
    return wordings[random.integers(len(wordings))]


class _Choice:
    """Candidate events of a scene: events that happen, and hard negatives."""

    def __init__(self, senses: Senses, random: np.random.Generator) -> None:
        self._senses = senses
        self._random = random
        self._looks = list(dict.fromkeys(figure.look for figure in senses.figures))
        self._sounds = list(dict.fromkeys(event.kind for event in senses.sounds))
        self._never = self._never_seen()
        self._events: dict[tuple[AlertKind, bool], list[WorldEvent]] = {}

    def of(self, kind: AlertKind, *, happening: bool) -> list[WorldEvent]:
        """Return the candidates of a kind that happen in the scene, or that never do."""
        if (kind, happening) not in self._events:
            found: dict[bool, list[WorldEvent]] = {True: [], False: []}
            for event in dict.fromkeys(CANDIDATES[kind](self)):
                found[bool(event.happens(self._senses).any())].append(event)
            self._events |= {(kind, key): events for key, events in found.items()}
        return self._events[kind, happening]

    def _never_seen(self) -> list[Look]:
        """Return absent looks whose colour and shape occur, and some with only one of them."""
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

    def wording(self, sight: Sight, *, held_out: bool) -> int:
        """Draw a text of a sight, without the last if that is held out."""
        return int(self._random.integers(len(sight.wordings) - held_out))

    def sight(self) -> Iterator[WorldEvent]:
        for sight in SIGHTS:
            yield WorldEvent(sight=sight)

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
        for sound in (*Sound, *self._senses.scene.recorded):
            yield WorldEvent(sound=sound)
        for sound, count in product(self._sounds, (2, 3)):
            if sound.countable:
                yield WorldEvent(sound=sound, count=count)

    def joint(self) -> Iterator[WorldEvent]:
        recorded = (sound for sound in self._sounds if isinstance(sound, RecordedSound))
        for look, sound in product(self._looks, (*Sound, *recorded)):
            yield WorldEvent(look=look, sound=sound)
        for look, sound in product(self._never, self._sounds):
            yield WorldEvent(look=look, sound=sound)


CANDIDATES: dict[AlertKind, Callable[[_Choice], Iterator[WorldEvent]]] = {
    AlertKind.VISUAL: _Choice.visual,
    AlertKind.TOUCH: _Choice.touch,
    AlertKind.AUDIO: _Choice.audio,
    AlertKind.JOINT: _Choice.joint,
    AlertKind.SIGHT: _Choice.sight,
}
