"""Scene -> units, as the assembler would make them from a camera and a microphone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from roma_ros.units import NS_PER_SECOND, MultimodalUnit
from roma_ros.world.frames import FrameRenderer
from roma_ros.world.scene import Scene
from roma_ros.world.sound import SoundRenderer

__all__ = ["WorldRenderer"]


class WorldRenderer:
    """Pictures and sound of a scene.

    Args:
        scene: what to render.
        height, width: of the pictures, at least 56 pixels.

    Raises:
        SceneError: smaller pictures.
        SpeechError: somebody speaks in the scene and espeak-ng is missing.
    """

    def __init__(self, scene: Scene, height: int = 112, width: int = 112) -> None:
        self.scene = scene
        self._frames = FrameRenderer(scene, height, width)
        self._sound = SoundRenderer(scene)

    def frame(self, time: float) -> np.ndarray:
        """The picture at a time in seconds: uint8 (H, W, 3) RGB."""
        return self._frames.frame(time)

    def sound(self, second: int) -> np.ndarray:
        """The sound from a whole second to the next: float32 (16000,), full scale 1.0."""
        return self._sound.second(second)

    def unit(self, index: int) -> MultimodalUnit:
        return MultimodalUnit(
            stream=0,
            index=index,
            start=index * NS_PER_SECOND,
            frames=self._frames.unit(index),
            audio=self._sound.second(index),
        )

    def __iter__(self) -> Iterator[MultimodalUnit]:
        """All units of the scene."""
        return map(self.unit, range(self.scene.seconds))
