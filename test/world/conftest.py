"""A scene made by hand, and a way to look at pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from roma_ros.world import Figure, FrameRenderer, Scene, Sound, Touch

from .by_hand import BLUE_SQUARE, RED_CIRCLE, figure, scene, sound


@pytest.fixture(scope="session")
def busy_scene() -> Scene:
    """Two figures that touch, one that comes back, beeps and a tone; made by hand.

    A red circle from 1.1 s to 5.4 s, a blue square from 2.6 s to 7.4 s, in contact from 4.3 s on;
    a red circle again from 9.1 s to 10.9 s. Two beeps in unit 3, one in 6, a tone from 8.3 s to
    10.3 s. 12 seconds.
    """
    return scene(
        12,
        figures=(
            figure(RED_CIRCLE, 1.1, 5.4, x=0.25),
            figure(BLUE_SQUARE, 2.6, 7.4, x=0.8),
            figure(RED_CIRCLE, 9.1, 10.9, x=0.5, moves=True),
        ),
        touches=(Touch(mover=BLUE_SQUARE, other=RED_CIRCLE, begins=4.3, ends=5.2),),
        sounds=(
            sound(Sound.BEEP, 3.2, 0.3, count=2),
            sound(Sound.BEEP, 6.5, 0.1),
            sound(Sound.TONE, 8.3, 2.0),
        ),
    )


@pytest.fixture(scope="session")
def covered() -> Callable[[Scene, Figure, float], np.ndarray]:
    """The pixels that a figure alone would change: bool (112, 112)."""

    def look(scene: Scene, figure: Figure, time: float) -> np.ndarray:
        with_it = FrameRenderer(replace(scene, figures=(figure,))).frame(time)
        without = FrameRenderer(replace(scene, figures=())).frame(time)
        return np.asarray(np.abs(with_it.astype(int) - without).max(axis=2) > 8)

    return look
