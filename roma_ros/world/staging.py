"""Generation of a scene from a seed."""

from __future__ import annotations

import numpy as np

from roma_ros.world.cast import Cast
from roma_ros.world.errors import RecordingsError, SceneError
from roma_ros.world.plot import Plot, play
from roma_ros.world.recordings import RecordingLibrary
from roma_ros.world.scene import Backdrop, Light, Room, Scene, SoundEvent, Texture
from roma_ros.world.soundscape import among_others, one_after_another
from roma_ros.world.splits import Purpose, Split, generator
from roma_ros.world.stage import Stage

__all__ = ["make_scene"]

THINNED = 0.5  # share of scenes with recordings in which other sounds are fewer, and of those left


def make_scene(
    seed: int,
    seconds: int,
    plot: Plot = Plot.CROWD,
    recordings: RecordingLibrary | None = None,
    recorded_share: float = 1.0,
) -> Scene:
    """Generate a scene.

    Args:
        seed: seed of everything in the scene, 0 to 3,999,999,999; `Split` divides the range.
        seconds: length in seconds, at least 1.
        plot: order and density of the figures.
        recordings: recorded sounds to play among the others; `None` for none.
        recorded_share: probability that recordings are played, 0 to 1, except with
            `Plot.RECORDINGS`. Without, the scene is the same as without the library.

    Raises:
        SceneError: seed, length or share is out of range, or there are no recordings for
            `Plot.RECORDINGS`.
        RecordingsError: the split of the seed has no usable recording of some kind.
    """
    if seconds < 1:
        raise SceneError(f"the scene has {seconds} s; expected at least 1 s")
    if not 0 <= recorded_share <= 1:
        raise SceneError(f"recorded_share is {recorded_share}; expected 0 to 1")
    if plot is Plot.RECORDINGS and recordings is None:
        raise SceneError("the plot is `recordings`; expected a folder of recordings to play")
    random = generator(seed, Purpose.SCENE)
    stage = Stage(random, seconds, Cast.drawn(random), Split.of(seed))
    play(plot, stage)
    sounds, recorded = stage.sounds, None
    if recordings is not None:
        recorded = _with_recordings(stage, seed, plot, recordings, recorded_share)
        sounds = sounds if recorded is None else recorded
    look_and_feel = generator(seed, Purpose.BACKDROP)
    return Scene(
        seed=seed,
        seconds=seconds,
        figures=tuple(sorted(stage.figures, key=lambda figure: figure.appears)),
        touches=tuple(sorted(stage.touches, key=lambda touch: touch.begins)),
        sounds=tuple(sorted(sounds, key=lambda sound: sound.onset)),
        backdrop=_backdrop(look_and_feel),
        room=_room(look_and_feel),
        recorded=() if recordings is None or recorded is None else recordings.kinds,
    )


def _with_recordings(
    stage: Stage, seed: int, plot: Plot, library: RecordingLibrary, share: float
) -> list[SoundEvent] | None:
    """Return the sounds of a stage with recordings among them; `None` if none are to be played."""
    random = generator(seed, Purpose.RECORDINGS)
    if not library.kinds_of(stage.split):
        raise RecordingsError(
            f"{library.folder} has no recording for the split {stage.split.name.lower()}; expected "
            f"some in the folds {library.folds(stage.split)}"
        )
    if plot is Plot.RECORDINGS:
        return one_after_another(library, stage.split, stage.seconds, random)
    if random.random() >= share:
        return None
    fewer = random.random() < THINNED
    kept = [sound for sound in stage.sounds if not fewer or random.random() < THINNED]
    return kept + among_others(library, stage.split, stage.seconds, random)


def _backdrop(random: np.random.Generator) -> Backdrop:
    """Draw a backdrop that is darker and greyer than any figure."""
    red, green, blue = (random.uniform(35, 105) * random.uniform(0.85, 1.15, 3)).tolist()
    return Backdrop(
        texture=list(Texture)[random.integers(len(Texture))],
        colour=(red, green, blue),
        contrast=float(random.uniform(4, 22)),
        pitch=float(random.uniform(0.08, 0.3)),
        clutter=int(random.integers(9)),
        noise=float(random.uniform(0.5, 9)),
        light=Light(
            level=float(random.uniform(0.85, 1.05)),
            swing=float(random.uniform(0, 0.15)),
            slope=float(random.uniform(0, 0.15)),
            period=float(random.uniform(4, 20)),
            phase=float(random.uniform(0, 2 * np.pi)),
        ),
    )


def _room(random: np.random.Generator) -> Room:
    if random.random() < 0.2:
        return Room(hiss=0.0, rumble=0.0)  # silence
    hiss, rumble = (10 ** random.uniform(-3.5, -2.1, 2)).tolist()
    return Room(hiss=hiss, rumble=rumble)
