"""Units of a scene, as the assembler would build them from a camera and a microphone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from roma_ros.units import NS_PER_SECOND, MultimodalUnit
from roma_ros.world.frames import FrameRenderer
from roma_ros.world.scene import Scene
from roma_ros.world.sound import SoundRenderer

__all__ = ["WorldRenderer"]


class WorldRenderer:
    """Renderer of a scene's pictures, sound and units; iterating yields all units.

    Args:
        scene: scene to render.
        height, width: size of the pictures in pixels, at least 56.

    Raises:
        SceneError: the size is smaller.
        SpeechError: the scene has speech and espeak-ng is missing.
    """

    def __init__(self, scene: Scene, height: int = 112, width: int = 112) -> None:
        self.scene = scene
        self._frames = FrameRenderer(scene, height, width)
        self._sound = SoundRenderer(scene)

    def frame(self, time: float) -> np.ndarray:
        """Render the picture at a time in seconds: uint8 (H, W, 3) RGB."""
        return self._frames.frame(time)

    def sound(self, second: int) -> np.ndarray:
        """Render the sound of the second [second, second + 1): float32 (16000,) in [-1, 1]."""
        return self._sound.second(second)

    def unit(self, index: int) -> MultimodalUnit:
        """Render unit `index`, 0 to `scene.seconds` - 1."""
        return MultimodalUnit(
            stream=0,
            index=index,
            start=index * NS_PER_SECOND,
            frames=self._frames.unit(index),
            audio=self._sound.second(index),
        )

    def __iter__(self) -> Iterator[MultimodalUnit]:
        """Yield all units of the scene."""
        return map(self.unit, range(self.scene.seconds))
