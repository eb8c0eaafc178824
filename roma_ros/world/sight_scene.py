"""Generation of scenes with sights, in rendered rooms and over real footage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from roma_ros.world.camera_faults import draw_faults
from roma_ros.world.footage import Footage, FootageClip, Passer, draw_footage, draw_passer
from roma_ros.world.plot import Plot
from roma_ros.world.scene import LOOK_EVERY, Backdrop, Figure, Scene, Texture, Waypoint
from roma_ros.world.sights import LAMP_COLOURS, Incident, SightEvent
from roma_ros.world.splits import Purpose, Split, generator
from roma_ros.world.staging import make_scene
from roma_ros.world.words import Colour, Look, Shape

__all__ = ["make_sight_scene", "sights_on"]

ON_FOOTAGE = 0.7  # share of scenes over footage, if there is any
EMPTY = {True: 0.75, False: 0.35}  # share of scenes without figures, over footage or in a room
PASSED = 0.4  # share of rooms and still pictures that pieces of footage move across
QUIET = 0.12  # share of scenes without any event
SILENT = 0.4  # share of scenes without sounds
CALM = 3.0  # seconds between two events of light, cover and frozen footage, at least
LONGEST_CALM = 9.0
CLEAR = 1.6  # seconds between an event and the switch of a lamp
RISES = (1, 2, 3)  # half seconds that a flashing lamp is on, and off


def make_sight_scene(
    seed: int, seconds: int, footage: Sequence[FootageClip] = (), *, on_footage: float = ON_FOOTAGE
) -> Scene:
    """Generate a scene with sights in random order, near misses and quiet stretches.

    Args:
        seed: seed of everything in the scene, see `make_scene`.
        seconds: length in seconds, at least 1; from about 6 on, sights happen.
        footage: clips of which most scenes have one as backdrop; without, all are rendered rooms.
        on_footage: share of scenes over footage, if there is any.

    Raises:
        SceneError: seed or length is out of range.
    """
    random = generator(seed, Purpose.SIGHTS)
    scene = make_scene(seed, seconds, Plot.SEQUENCE if random.random() < 0.6 else Plot.CROWD)
    trains = Split.of(seed) is not Split.TEST  # footage of test scenes is as it was filmed
    over = None
    if footage and random.random() < on_footage:
        over = draw_footage(random, footage, recoloured=trains)
    passers: tuple[Passer, ...] = ()
    if footage and trains and not (over and over.speed) and random.random() < PASSED:
        count = 1 + int(random.integers(1 + seconds // 6))
        passers = tuple(draw_passer(random, footage, seconds) for _ in range(count))
    figures: tuple[Figure, ...] = ()
    if random.random() >= EMPTY[over is not None]:
        figures = tuple(figure for figure in scene.figures if random.random() < 0.5)
    scene = replace(
        scene,
        footage=over,
        passers=passers,
        backdrop=_structured(scene.backdrop, random),
        figures=figures,
        touches=(),
        sounds=() if random.random() < SILENT else scene.sounds,
        camera=draw_faults(random),
    )
    if random.random() < QUIET:
        return scene
    return sights_on(scene, random)


def sights_on(scene: Scene, random: np.random.Generator) -> Scene:
    """Return a scene with sights and near misses at random times."""
    events = list(_events(scene, random))
    lamps = list(_lamps(scene, events, random))
    objects = [_object(scene, lamp.colour, random) for lamp in lamps if random.random() < 0.3]
    figures = sorted([*scene.figures, *objects], key=lambda figure: figure.appears)
    ordered = sorted([*events, *lamps], key=lambda event: event.begins)
    return replace(scene, figures=tuple(figures), sights=tuple(ordered))


def _structured(backdrop: Backdrop, random: np.random.Generator) -> Backdrop:
    """Return a backdrop with so much to see that it differs from a covered camera."""
    textures = (Texture.STRIPES, Texture.CHECKS, Texture.BRICKS)
    return replace(
        backdrop,
        texture=textures[int(random.integers(len(textures)))],
        contrast=max(backdrop.contrast, 10.0),
        clutter=max(backdrop.clutter, int(random.integers(4, 10))),
    )


def _off_grid(random: np.random.Generator, time: float) -> float:
    """Return a time near another that is between two frames."""
    frame = round(time / LOOK_EVERY)
    return LOOK_EVERY * frame + float(random.uniform(0.1, 0.4))


def _events(scene: Scene, random: np.random.Generator) -> Iterator[SightEvent]:
    """Yield events of light, cover and frozen footage, one after the other."""
    kinds = [Incident.DARK, Incident.DARK, Incident.COVERED, Incident.COVERED, Incident.DIMMED]
    footage: Footage | None = scene.footage
    if footage is not None and footage.speed:
        kinds += [Incident.FROZEN] * 3
    busy = random.random() < 0.75  # others have lamps alone
    time = float(random.uniform(-3, min(LONGEST_CALM, scene.seconds / 2)))
    while busy and time < scene.seconds - 1:
        kind = kinds[random.integers(len(kinds))]
        begins = _off_grid(random, time)
        longest = 12.0 if kind is Incident.FROZEN else 9.0
        ends = _off_grid(random, begins + random.uniform(2.5, longest))
        yield _event(kind, begins, ends, random)
        time = ends + float(random.uniform(CALM, LONGEST_CALM))


def _event(kind: Incident, begins: float, ends: float, random: np.random.Generator) -> SightEvent:
    event = SightEvent(incident=kind, begins=begins, ends=ends)
    if kind is Incident.DARK:
        return replace(event, level=float(10 ** random.uniform(-1.7, -0.9)))
    if kind is Incident.DIMMED:
        return replace(event, level=float(random.uniform(0.45, 0.7)))
    if kind is not Incident.COVERED:
        return event
    x, y = random.uniform(-1, 1, 2).tolist()
    if random.random() < 0.4:  # skin
        level, (red, green, blue) = random.uniform(25, 190), (1.25, 0.9, 0.75)
    else:  # cloth
        level, (red, green, blue) = random.uniform(12, 150), random.uniform(0.75, 1.2, 3).tolist()
    return replace(
        event,
        level=float(level),
        tint=(red, green, blue),
        slide=float(random.uniform(0.3, 0.9)) if random.random() < 0.4 else 0.0,
        x=x,
        y=y,
        seed=int(random.integers(2**31)),
    )


def _lamps(
    scene: Scene, events: Sequence[SightEvent], random: np.random.Generator
) -> Iterator[SightEvent]:
    """Yield lamps whose switches are clear of events and of lamps of the same colour."""
    wanted = int(random.integers(1, 3 + scene.seconds // 6)) + (not events)
    lamps: list[SightEvent] = []
    colours = [*LAMP_COLOURS, Colour.WHITE]
    for _ in range(6 * wanted):
        if len(lamps) == wanted:
            return
        colour = colours[random.integers(len(colours))]
        lamp = _lamp(scene.seconds, colour, random)
        if all(_clear_of(lamp, other) for other in [*events, *lamps]):
            lamps.append(lamp)
            yield lamp


def _lamp(seconds: int, colour: Colour, random: np.random.Generator) -> SightEvent:
    begins = _off_grid(random, random.uniform(-4, seconds - 1))
    ends = _off_grid(random, begins + random.uniform(2.5, 12))
    pulses = [(begins, ends)]
    if random.random() < 0.5:
        on, off = (LOOK_EVERY * RISES[i] for i in random.integers(0, len(RISES), 2))
        if random.random() < 0.5:
            on = off = LOOK_EVERY  # a lamp that changes from every frame to the next
        count = 3 + int(random.integers(5))
        pulses = [(begins + k * (on + off), begins + k * (on + off) + on) for k in range(count)]
    return SightEvent(
        incident=Incident.LAMP,
        begins=begins,
        ends=pulses[-1][1],
        colour=colour,
        level=float(random.uniform(0.7, 1.2)),
        x=float(random.uniform(0.1, 0.9)),
        y=float(random.uniform(0.1, 0.9)),
        size=float(random.uniform(0.025, 0.07)),
        halo=float(random.uniform(1.3, 2.4)),
        housing=bool(random.random() < 0.6),
        mirrored=bool(random.random() < 0.2),
        pulses=tuple(pulses),
    )


def _clear_of(lamp: SightEvent, other: SightEvent) -> bool:
    if other.incident is Incident.LAMP:
        apart = np.hypot(lamp.x - other.x, lamp.y - other.y) > 2 * (lamp.size + other.size)
        return bool(apart) and (lamp.colour is not other.colour or not _overlap(lamp, other))
    if other.incident is Incident.COVERED or lamp.flashes:
        return other.incident is Incident.FROZEN or not _overlap(lamp, other)
    return all(abs(a - b) > CLEAR for a in _edges(lamp) for b in _edges(other))


def _overlap(one: SightEvent, other: SightEvent) -> bool:
    return one.begins < other.ends + CLEAR and other.begins < one.ends + CLEAR


def _edges(event: SightEvent) -> tuple[float, float]:
    return event.begins, event.ends


def _object(scene: Scene, colour: Colour, random: np.random.Generator) -> Figure:
    """Draw a small coloured shape that appears and is no light."""
    appears = _off_grid(random, random.uniform(-2, scene.seconds))
    leaves = _off_grid(random, appears + random.uniform(2, 12))
    x, y = random.uniform(0.1, 0.9, 2).tolist()
    red, green, blue = random.uniform(0.75, 1.0, 3).tolist()
    return Figure(
        look=Look(colour, list(Shape)[random.integers(len(Shape))]),
        size=float(random.uniform(0.05, 0.1)),
        angle=float(random.uniform(-0.25, 0.25)),
        tint=(red, green, blue),
        appears=appears,
        leaves=leaves,
        pops=True,
        moves=False,
        path=(Waypoint(appears, x, y),),
    )
