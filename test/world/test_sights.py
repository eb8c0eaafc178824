"""Sights: what happens in the pictures is what the labels say."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from roma_ros.world import (
    SIGHTS,
    AlertKind,
    Colour,
    FrameRenderer,
    Plot,
    Scene,
    Senses,
    Sight,
    SightEvent,
    SightKind,
    Split,
    WorldAlert,
    alerts_on,
    make_scene,
    make_sight_scene,
)
from roma_ros.world.camera_faults import CameraFaults
from roma_ros.world.sights import Incident

from .by_hand import RED_CIRCLE, figure, scene

OUT, ON = Sight(SightKind.LIGHT_OUT), Sight(SightKind.LIGHT_ON)
COVERED, MOTION, STILL = (
    Sight(kind) for kind in (SightKind.COVERED, SightKind.MOTION, SightKind.STILLNESS)
)
RED_ON, RED_FLASHES = (
    Sight(kind, Colour.RED) for kind in (SightKind.LAMP_ON, SightKind.LAMP_FLASHES)
)
# Instructions and labels of the scenes of seed 5, from before there were sights.
GOLDEN = "fcd5f8dfe3287fb2ca832ba84110a53627b4233ae17b89fd5862ad6d99f95f45"
GREEN_ON = Sight(SightKind.LAMP_ON, Colour.GREEN)


def told(there: Scene, sight: Sight) -> str:
    """`#` where a sight happens, `?` where that is not clear, else `.`."""
    senses = Senses(there)
    pairs = zip(senses.sight(sight), senses.unclear(sight), strict=True)
    return "".join("#" if yes else "?" if unclear else "." for yes, unclear in pairs)


def event(incident: Incident, begins: float, ends: float, **values: object) -> SightEvent:
    return replace(SightEvent(incident=incident, begins=begins, ends=ends), **values)  # type: ignore[arg-type]


def lamp(colour: Colour, *pulses: tuple[float, float]) -> SightEvent:
    return event(Incident.LAMP, pulses[0][0], pulses[-1][1], colour=colour, pulses=pulses)


def test_scenes_without_sights_are_as_they_were_before_there_were_any() -> None:
    digest = hashlib.sha256()
    for plot in (Plot.CROWD, Plot.SEQUENCE):
        there = make_scene(5, 20, plot)
        assert (there.footage, there.sights, there.camera) == (None, (), None)
        for exercise in alerts_on(there, 6):
            digest.update(exercise.text.encode() + exercise.labels.tobytes())
            assert not exercise.unclear.any()
    assert digest.hexdigest() == GOLDEN


def test_the_light_goes_out_and_comes_on() -> None:
    dark = replace(scene(10), sights=(event(Incident.DARK, 2.2, 6.7, level=0.05),))
    assert told(dark, OUT) == "..##......"
    assert told(dark, ON) == "......" + "..##"[1:] + "."
    means = [FrameRenderer(dark).frame(time).mean() for time in (2.0, 2.5, 6.5, 7.0)]
    assert means[0] > 5 * means[1]
    assert means[3] > 5 * means[2]


def test_a_dimmed_light_is_no_light_that_goes_out() -> None:
    dimmed = replace(scene(8), sights=(event(Incident.DIMMED, 2.2, 6.7, level=0.5),))
    assert told(dimmed, OUT) == told(dimmed, ON) == told(dimmed, COVERED) == 8 * "."


def test_the_camera_is_covered() -> None:
    cover = event(Incident.COVERED, 2.2, 5.2, level=90.0, slide=0.6, x=1.0)
    covered = replace(scene(8), sights=(cover,))
    # At 2.5 s half is covered, at 3.0 s all; at 5.0 s it has begun to go.
    assert told(covered, COVERED) == "..?##?.."
    assert told(covered, OUT) == 8 * "."
    picture = FrameRenderer(covered).frame(3.5).astype(float)
    assert picture.std() < 30
    assert 60 < picture.mean() < 120


def test_a_black_cloth_and_a_black_room_are_not_told_apart() -> None:
    cloth = replace(scene(8), sights=(event(Incident.COVERED, 2.2, 5.2, level=10.0),))
    assert told(cloth, OUT)[2] == "?"
    room = replace(scene(8), sights=(event(Incident.DARK, 2.2, 5.2, level=0.02),))
    assert told(room, COVERED)[3] == "?"


def test_a_lamp_comes_on_in_its_colour() -> None:
    on = replace(scene(8), sights=(lamp(Colour.RED, (2.7, 6.2)),))
    assert told(on, RED_ON) == "...##..."
    assert told(on, GREEN_ON) == told(on, RED_FLASHES) == 8 * "."
    spot = FrameRenderer(on).frame(3.0)[50:62, 50:62].mean(axis=(0, 1))
    before = FrameRenderer(on).frame(2.5)[50:62, 50:62].mean(axis=(0, 1))
    assert spot[0] > before[0] + 80
    assert spot[0] > spot[1] + 60


def test_a_lamp_that_flashes_is_told_from_the_second_time_on() -> None:
    pulses = [(2.2 + second, 2.7 + second) for second in range(4)]
    flashing = replace(scene(9), sights=(lamp(Colour.RED, *pulses),))
    assert told(flashing, RED_FLASHES) == "..?###?.."
    assert told(flashing, RED_ON) == "..?????.."
    assert told(flashing, GREEN_ON) == 9 * "."


def test_motion_and_stillness_are_computed() -> None:
    path = figure(RED_CIRCLE, -1.0, 20.0, moves=True)
    ahead = [replace(path.path[0], time=time, x=x) for time, x in ((4.2, 0.2), (7.7, 0.9))]
    there = scene(14, figures=(replace(path, path=tuple(ahead)),))
    assert told(there, MOTION) == "....####?....."
    assert told(there, STILL)[4:8] == "...."
    assert told(there, STILL)[0] == "?"
    assert told(there, STILL)[3] == "#"
    assert told(there, STILL)[11:] == "###"


def test_faults_of_the_camera_are_no_motion() -> None:
    shaken = replace(
        scene(8), camera=CameraFaults(shake=0.02, exposure=0.2, balance=0.1, quality=40)
    )
    assert told(shaken, MOTION) == 8 * "."
    assert told(shaken, STILL)[3:] == 5 * "#"
    pictures = [FrameRenderer(shaken).frame(time) for time in (3.0, 3.5)]
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 1


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_scene_moved_in_time_keeps_its_sights(seed: int) -> None:
    there = make_sight_scene(seed, 20)
    later = there.delayed(3)
    part = there.stretch(6, 8)
    for sight in (COVERED, RED_ON, RED_FLASHES):
        assert told(later, sight)[4:] == told(there, sight)[1:]
        assert told(part, sight)[2:] == told(there, sight)[8:14]


def test_alerts_on_sights() -> None:
    happening, never, texts = 0, 0, set()
    for seed in range(30):
        for exercise in alerts_on(make_sight_scene(seed, 20), 4, kinds=(AlertKind.SIGHT,)):
            subject = exercise.subject
            assert isinstance(subject, WorldAlert)
            assert subject.event.kind is AlertKind.SIGHT
            assert not (exercise.labels & exercise.unclear).any()
            sight = subject.event.sight
            assert sight is not None
            assert exercise.text.endswith(sight.wordings[:-1])
            assert exercise.replies == () or exercise.replies[0].text == sight.report
            happening += bool(exercise.labels.any())
            never += not bool(exercise.labels.any())
            texts.add(exercise.text)
    assert happening > 40
    assert never > 20
    assert len(texts) > 30


def test_the_last_wording_is_for_test() -> None:
    there = [make_sight_scene(Split.TEST.seed(number), 20) for number in range(10)]
    told_ = {e.text for one in there for e in alerts_on(one, 4, kinds=(AlertKind.SIGHT,))}
    assert any(text.endswith(sight.wordings[-1]) for sight in SIGHTS for text in told_)


def test_every_sight_happens_in_scenes_without_footage() -> None:
    seen = {
        sight: sum(Senses(make_sight_scene(seed, 30)).sight(sight).any() for seed in range(40))
        for sight in SIGHTS
    }
    assert min(seen.values()) >= 2, seen
