"""Continuous streams: scene after scene with cuts between them, and quiet stretches.

A stream is as long as wanted, and is rendered unit by unit: its memory does not grow with it.

    stream = make_continuous(seed=42, seconds=600)
    labels = stream.labels(event)  # bool (600,)
    for unit in stream.units():  # MultimodalUnit, index 0 to 599
        ...
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from roma_ros.units import NS_PER_SECOND, MultimodalUnit
from roma_ros.world.alert import (
    COMMON_KINDS,
    AlertKind,
    WorldAlert,
    WorldEvent,
    draw_alerts,
    windows,
)
from roma_ros.world.errors import SceneError
from roma_ros.world.narration import Segment, narrate
from roma_ros.world.plot import Plot
from roma_ros.world.questions import QuestionKind, WorldQuestion, draw_questions
from roma_ros.world.recordings import RecordingLibrary
from roma_ros.world.renderer import WorldRenderer
from roma_ros.world.scene import Figure, Scene, SoundEvent, Touch
from roma_ros.world.senses import Senses
from roma_ros.world.splits import Purpose, Split, generator
from roma_ros.world.staging import make_scene

__all__ = ["ContinuousStream", "Part", "make_continuous", "quiet_scene"]

SAME_ROOM = 0.5  # probability that a quiet stretch keeps backdrop and room of the scene before it
CANDIDATES = 8  # alert instructions drawn from each scene, of which the stream's are chosen
NEVER = 0.2  # share of a stream's alerts whose events never happen in it
OFTEN = 3  # times that an event should happen in the stream, if there are enough such events
EVERY_TIME = 0.5  # probability of `every time`, unless the event happens exactly once


@dataclass(frozen=True, slots=True)
class Part:
    """One scene of a stream.

    Attributes:
        scene: the scene; figures, touches and sounds that go on at its end are cut off there.
        start: unit of the stream at which it begins.
    """

    scene: Scene
    start: int

    @property
    def end(self) -> int:
        """First unit of the stream after the scene."""
        return self.start + self.scene.seconds

    @property
    def quiet(self) -> bool:
        """Whether nothing happens in it: no figure, no sight, no sound, no speech."""
        scene = self.scene
        return not (scene.figures or scene.sights or scene.sounds or scene.speech)


class ContinuousStream:
    """Scenes one after another as one stream; build it with `make_continuous`.

    Args:
        seed: seed of the draws of alerts and questions.
        scenes: the scenes in order, at least one.

    Attributes:
        seed: seed of the stream.
        parts: the scenes with their first units, in order, without gaps.
        seconds: length of the stream in seconds, which is the number of units.

    Raises:
        SceneError: there is no scene, or the seed is out of range.
    """

    def __init__(self, seed: int, scenes: Iterable[Scene]) -> None:
        Split.of(seed)
        self.seed = seed
        parts: list[Part] = []
        for scene in scenes:
            parts.append(Part(scene, parts[-1].end if parts else 0))
        if not parts:
            raise SceneError("the stream has no scene; expected at least one")
        self.parts = tuple(parts)
        self.seconds = parts[-1].end

    def units(
        self,
        first: int = 0,
        stop: int | None = None,
        *,
        stream: int = 0,
        height: int = 112,
        width: int = 112,
    ) -> Iterator[MultimodalUnit]:
        """Render units one by one; each scene is set up when its first unit is due.

        Args:
            first: index of the first unit.
            stop: index after the last unit; `None`: the end of the stream.
            stream: `stream` of the units.
            height, width: size of the pictures in pixels, at least 56.

        Raises:
            SceneError: the size is smaller.
            SpeechError: a scene has speech and espeak-ng is missing.
        """
        stop = self.seconds if stop is None else min(stop, self.seconds)
        for part in self.parts:
            here = range(max(first, part.start), min(stop, part.end))
            if not here:
                continue
            renderer = WorldRenderer(part.scene, height, width)
            for index in here:
                unit = renderer.unit(index - part.start)
                yield replace(unit, stream=stream, index=index, start=index * NS_PER_SECOND)

    def part_at(self, unit: int) -> Part:
        """Return the part that a unit belongs to. Raises SceneError if it is out of range."""
        for part in self.parts:
            if part.start <= unit < part.end:
                return part
        raise SceneError(f"the unit is {unit}; expected 0 to {self.seconds - 1}")

    @property
    def cuts(self) -> tuple[int, ...]:
        """First unit of each part but the first."""
        return tuple(part.start for part in self.parts[1:])

    @cached_property
    def scene(self) -> Scene:
        """Content of the whole stream as one scene, for labels; it is not to be rendered.

        It has the backdrop and room of the first part. Things that a cut ends, end there.
        """
        scenes = [_shifted(_closed(part.scene), part.start) for part in self.parts]
        return replace(
            self.parts[0].scene,
            seed=self.seed,
            seconds=self.seconds,
            figures=tuple(figure for scene in scenes for figure in scene.figures),
            touches=tuple(touch for scene in scenes for touch in scene.touches),
            sounds=tuple(sound for scene in scenes for sound in scene.sounds),
            speech=tuple(line for scene in scenes for line in scene.speech),
            recorded=tuple(dict.fromkeys(kind for scene in scenes for kind in scene.recorded)),
        )

    def labels(self, event: WorldEvent) -> np.ndarray:
        """Return the units in which an event can be detected: bool (seconds,)."""
        return np.concatenate([event.happens(senses) for senses in self._senses])

    def unclear(self, event: WorldEvent) -> np.ndarray | None:
        """Return the units in which it is not clear whether it happens; `None` for none."""
        masks = [event.unclear(senses) for senses in self._senses]
        known = [mask for mask in masks if mask is not None]
        return np.concatenate(known) if known else None

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Segments of the narration that end within the stream, in order.

        A cut ends a segment too: its sentence is due after the first unit of the next scene.
        """
        return narrate(self.scene)

    def alerts(
        self, count: int, kinds: Sequence[AlertKind] = COMMON_KINDS
    ) -> tuple[WorldAlert, ...]:
        """Draw distinct alert instructions for the whole stream, of all kinds in turn.

        Most of their events happen several times, if the stream is long enough; a fifth never do:
        hard negatives of its scenes.

        Args:
            count: number of alerts; fewer are returned if the scenes have not enough events.
            kinds: kinds that may be drawn.
        """
        random = generator(self.seed, Purpose.ALERTS)
        found: dict[WorldEvent, WorldAlert] = {}
        for part in self.parts:
            for alert in draw_alerts(part.scene, CANDIDATES, kinds):
                found.setdefault(alert.event, alert)
        pool = [
            replace(alert, labels=self.labels(alert.event), unclear=self.unclear(alert.event))
            for alert in found.values()
        ]
        pool = [pool[index] for index in random.permutation(len(pool))]
        happening = [alert for alert in pool if alert.labels.any()]
        happening.sort(key=lambda alert: -min(len(alert.windows), OFTEN))
        never = [alert for alert in pool if not alert.labels.any()]
        some = min(round(NEVER * count), len(never))
        drawn = _in_turn(happening, count - some) + _in_turn(never, some)
        return tuple(
            replace(
                alert,
                every_time=len(windows(alert.labels)) != 1 and bool(random.random() < EVERY_TIME),
            )
            for alert in drawn
        )

    def questions(
        self, unit: int, count: int, kinds: Sequence[QuestionKind], *, seconds: int | None = None
    ) -> tuple[WorldQuestion, ...]:
        """Draw questions after a unit on the last seconds up to it.

        Args:
            unit: unit after which they are asked.
            count: number of questions; fewer are returned if there is not enough to ask about.
            kinds: kinds that may be drawn.
            seconds: how many units the questions are about, `unit` included; `None`: all.

        Returns:
            Questions with `unit` set to that unit of the stream.
        """
        seconds = unit + 1 if seconds is None else min(seconds, unit + 1)
        window = self.window(unit, seconds)
        drawn = draw_questions(window, count, kinds, first=seconds - 1)
        return tuple(replace(question, unit=unit) for question in drawn)

    def window(self, unit: int, seconds: int) -> Scene:
        """Return the content of the last `seconds` units up to a unit, for labels and questions.

        Its seed is that of the stream plus the unit, so that draws differ from unit to unit.
        """
        split: range = Split.of(self.seed).value
        seed = split[(self.seed - split.start + unit) % len(split)]
        first = unit + 1 - seconds
        return replace(self.scene.stretch(first, seconds), seed=seed)

    def stretch(self, first: int, seconds: int) -> ContinuousStream:
        """Return `seconds` from unit `first` on as a stream of its own, without speech.

        It may begin in the middle of a scene and of an event. Labels and segments are those of
        what is within it.
        """
        stop = min(first + seconds, self.seconds)
        scenes = []
        for part in self.parts:
            begin, end = max(first, part.start), min(stop, part.end)
            if begin < end:
                scenes.append(part.scene.stretch(begin - part.start, end - begin))
        return ContinuousStream(self.seed, scenes)

    @cached_property
    def _senses(self) -> tuple[Senses, ...]:
        return tuple(Senses(part.scene) for part in self.parts)


def make_continuous(
    seed: int,
    seconds: int,
    *,
    plots: Plot | Sequence[Plot] = Plot.CROWD,
    scene_seconds: tuple[int, int] = (10, 30),
    quiet_seconds: tuple[int, int] = (0, 120),
    quiet_share: float = 0.3,
    lead_seconds: int = 0,
    recordings: RecordingLibrary | None = None,
    recorded_share: float = 1.0,
) -> ContinuousStream:
    """Generate a continuous stream.

    Args:
        seed: seed of everything in the stream, 0 to 3,999,999,999. Its split (`Split`) is that of
            all scenes and voices.
        seconds: length in seconds, at least 1; the last scene is cut there.
        plots: plot of the scenes, drawn for each if there are several.
        scene_seconds: least and greatest length of a scene in seconds.
        quiet_seconds: least and greatest length of a quiet stretch in seconds: background and
            noise of the room alone.
        quiet_share: probability that a quiet stretch follows a scene.
        lead_seconds: length of a quiet stretch at the beginning, for spoken instructions.
        recordings: recorded sounds to play in the scenes; `None` for none.
        recorded_share: probability that a scene plays recordings, 0 to 1.

    Raises:
        SceneError: a seed, length or share is out of range.
    """
    _check_range("scene_seconds", scene_seconds, 1)
    _check_range("quiet_seconds", quiet_seconds, 0)
    if seconds < 1:
        raise SceneError(f"the stream has {seconds} s; expected at least 1 s")
    if not 0 <= quiet_share <= 1:
        raise SceneError(f"quiet_share is {quiet_share}; expected 0 to 1")
    random = generator(seed, Purpose.STREAM)
    split = Split.of(seed)
    choice = (plots,) if isinstance(plots, Plot) else tuple(plots)
    scenes: list[Scene] = []

    def new(length: int) -> Scene:
        plot = choice[random.integers(len(choice))]
        number = int(random.integers(len(split.value)))
        return make_scene(split.seed(number), length, plot, recordings, recorded_share)

    if lead_seconds:
        scenes.append(quiet_scene(new(lead_seconds), lead_seconds))
    left = seconds - lead_seconds
    while left > 0:
        scene = new(_drawn(random, scene_seconds))
        scenes.append(scene)
        left -= scene.seconds
        length = _drawn(random, quiet_seconds)
        if left > 0 and length and random.random() < quiet_share:
            room = scene if random.random() < SAME_ROOM else new(length)
            scenes.append(quiet_scene(room, length))
            left -= length
    if left < 0:
        scenes[-1] = scenes[-1].cut(scenes[-1].seconds + left)
    return ContinuousStream(seed, scenes)


def _check_range(name: str, bounds: tuple[int, int], least: int) -> None:
    if not least <= bounds[0] <= bounds[1]:
        raise SceneError(f"{name} is {bounds}; expected two ascending numbers from {least} on")


def _drawn(random: np.random.Generator, bounds: tuple[int, int]) -> int:
    return int(random.integers(bounds[0], bounds[1] + 1))


def quiet_scene(scene: Scene, seconds: int) -> Scene:
    """Return an empty scene with the backdrop and room of another."""
    return replace(scene, seconds=seconds, figures=(), touches=(), sounds=(), speech=(), sights=())


def _closed(scene: Scene) -> Scene:
    """Return the scene with nothing that goes on after its end, or only begins there."""
    end = scene.seconds

    def figure(thing: Figure) -> Figure:
        return replace(thing, leaves=min(thing.leaves, end))

    def touch(thing: Touch) -> Touch:
        return replace(thing, ends=min(thing.ends, end))

    def sound(thing: SoundEvent) -> SoundEvent:
        if thing.end <= end:
            return thing
        left = end - thing.onset
        played = thing.playback
        if played is not None:
            ends = min(played.ends, played.begins + left * played.speed)
            played = replace(played, ends=ends)
        return replace(thing, duration=left, playback=played)

    return replace(
        scene,
        figures=tuple(map(figure, (f for f in scene.figures if scene.clip(f.seen_in)))),
        touches=tuple(map(touch, (t for t in scene.touches if scene.clip(t.seen_in)))),
        sounds=tuple(map(sound, (s for s in scene.sounds if s.onset < end))),
    )


def _shifted(scene: Scene, units: int) -> Scene:
    """Return the scene, its speech included, at a later time."""
    speech = tuple(replace(line, onset=line.onset + units) for line in scene.speech)
    return replace(scene.delayed(units), speech=speech)


def _in_turn(alerts: Sequence[WorldAlert], count: int) -> list[WorldAlert]:
    """Return the first `count` alerts, of each kind in turn."""
    kinds: dict[AlertKind, list[WorldAlert]] = {}
    for alert in alerts:
        kinds.setdefault(alert.event.kind, []).append(alert)
    longest = max(map(len, kinds.values()), default=0)
    order = [
        group[place] for place in range(longest) for group in kinds.values() if place < len(group)
    ]
    return order[:count]
