"""Generation of a scene from a seed."""

from __future__ import annotations

import numpy as np

from roma_ros.world.cast import Cast
from roma_ros.world.errors import SceneError
from roma_ros.world.plot import Plot, play
from roma_ros.world.scene import Backdrop, Light, Room, Scene, Texture
from roma_ros.world.splits import Purpose, Split, generator
from roma_ros.world.stage import Stage

__all__ = ["make_scene"]


def make_scene(seed: int, seconds: int, plot: Plot = Plot.CROWD) -> Scene:
    """Generate a scene.

    Args:
        seed: seed of everything in the scene, 0 to 3,999,999,999; `Split` divides the range.
        seconds: length in seconds, at least 1.
        plot: order and density of the figures.

    Raises:
        SceneError: seed or length is out of range.
    """
    if seconds < 1:
        raise SceneError(f"the scene has {seconds} s; expected at least 1 s")
    random = generator(seed, Purpose.SCENE)
    stage = Stage(random, seconds, Cast.drawn(random), Split.of(seed))
    play(plot, stage)
    look_and_feel = generator(seed, Purpose.BACKDROP)
    return Scene(
        seed=seed,
        seconds=seconds,
        figures=tuple(sorted(stage.figures, key=lambda figure: figure.appears)),
        touches=tuple(sorted(stage.touches, key=lambda touch: touch.begins)),
        sounds=tuple(sorted(stage.sounds, key=lambda sound: sound.onset)),
        backdrop=_backdrop(look_and_feel),
        room=_room(look_and_feel),
    )


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
