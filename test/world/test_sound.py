from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from roma_ros.world import Scene, Sound, SoundRenderer, SpokenLine, Voice, make_scene
from roma_ros.world.scene import Room

from .by_hand import scene as make
from .by_hand import sound

SILENCE = Room(hiss=0.0, rumble=0.0)


def whole(scene: Scene) -> np.ndarray:
    renderer = SoundRenderer(scene)
    return np.concatenate([renderer.second(k) for k in range(scene.seconds)])


def loudness(samples: np.ndarray) -> np.ndarray:
    """Root mean square of each hundredth of a second."""
    return np.sqrt(np.mean(samples.reshape(-1, 160) ** 2, axis=1))


def test_each_event_is_heard_in_its_units_and_in_no_other() -> None:
    for seed in range(25):
        scene = replace(make_scene(seed, 15), room=SILENCE)
        for event in scene.sounds:
            alone = SoundRenderer(replace(scene, sounds=(event,)))
            energy = [float(np.sum(alone.second(k) ** 2)) for k in range(scene.seconds)]
            heard = [k for k, value in enumerate(energy) if value > 0]
            assert heard == list(scene.clip(event.heard_in)), event


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("kind", [Sound.BEEP, Sound.BURST, Sound.KNOCK])
def test_as_many_sounds_are_heard_as_annotated(kind: Sound, count: int) -> None:
    event = next(
        event
        for seed in range(200)
        for event in make_scene(seed, 30).sounds
        if event.kind is kind and event.count == count
    )
    scene = replace(make(40, sounds=(event,)), room=SILENCE)
    loud = loudness(whole(scene)) > 0.1 * event.level
    onsets = np.flatnonzero(np.diff(loud.astype(int), prepend=0) == 1)
    assert len(onsets) == count
    assert abs(onsets[0] / 100 - event.onset) < 0.02
    if count > 1:
        np.testing.assert_allclose(np.diff(onsets) / 100, event.period, atol=0.021)


@pytest.mark.parametrize(("kind", "pitch"), [(Sound.BEEP, 1234.0), (Sound.TONE, 345.0)])
def test_a_beep_and_a_tone_have_their_pitch(kind: Sound, pitch: float) -> None:
    event = replace(sound(kind, 2.1, 0.8), pitch=pitch)
    second = SoundRenderer(make(4, sounds=(event,))).second(2)
    assert np.argmax(np.abs(np.fft.rfft(second))) == pytest.approx(pitch, abs=2)
    assert np.abs(second).max() == pytest.approx(event.level, rel=0.25)


def test_a_tone_goes_on_without_a_click_from_second_to_second() -> None:
    scene = replace(make(5, sounds=(sound(Sound.TONE, 0.5, 4.0),)), room=SILENCE)
    samples = whole(scene)
    steps = np.abs(np.diff(samples))
    edges = steps[np.arange(1, 4) * 16_000 - 1]
    assert edges.max() <= np.percentile(steps, 99.9)
    assert loudness(samples)[60:440].min() > 0.1


def test_the_room_has_the_loudness_that_it_is_given() -> None:
    quiet = make(3)
    assert not whole(replace(quiet, room=SILENCE)).any()
    hiss = whole(replace(quiet, room=Room(hiss=0.01, rumble=0.0)))
    rumble = whole(replace(quiet, room=Room(hiss=0.0, rumble=0.01)))
    assert hiss.std() == pytest.approx(0.01, rel=0.05)
    assert rumble.std() == pytest.approx(0.01, rel=0.4)
    spectrum = np.abs(np.fft.rfft(rumble)) ** 2
    assert spectrum[: 3 * 200].sum() > 0.7 * spectrum.sum()  # below 200 Hz


def test_a_line_is_laid_over_the_sound_at_its_time() -> None:
    line = SpokenLine("alert me when a red circle appears", Voice("en-us"), 1.25)
    scene = replace(make(6), room=SILENCE).saying(line)
    loud = np.flatnonzero(loudness(whole(scene)) > 0.01)
    assert loud[0] / 100 == pytest.approx(1.25, abs=0.03)
    assert 2.8 < loud[-1] / 100 < 5


def test_the_same_scene_sounds_the_same_and_is_never_clipped_over() -> None:
    scene = make_scene(5, 20)
    np.testing.assert_array_equal(whole(scene), whole(scene))
    assert whole(scene).dtype == np.float32
    loud = replace(scene, sounds=tuple(replace(event, level=3.0) for event in scene.sounds))
    assert np.abs(whole(loud)).max() <= 1


def test_an_hour_in_the_room_does_not_run_out_of_noise() -> None:
    scene = replace(make(3600), room=Room(hiss=0.01, rumble=0.01))
    late = SoundRenderer(scene).second(3599)
    assert late.shape == (16_000,)
    assert late.std() == pytest.approx(0.014, rel=0.4)
