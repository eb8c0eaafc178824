"""Backdrop of a scene as a picture: texture and clutter, painted once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from roma_ros.world.scene import Backdrop, Texture

__all__ = ["paint_background"]


def paint_background(
    backdrop: Backdrop, random: np.random.Generator, height: int, width: int
) -> np.ndarray:
    """Paint a backdrop: uint8 (height, width, 3) RGB.

    Args:
        backdrop: parameters of the texture and the clutter.
        random: random numbers for the rest, such as the direction of stripes.
        height, width: size of the picture in pixels.
    """
    side = min(height, width)
    x = (np.arange(width, dtype=np.float32)[None, :] + 0.5) / side
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / side
    pattern = TEXTURES[backdrop.texture](_Canvas(x, y, backdrop.pitch, random))
    grey = backdrop.contrast * np.broadcast_to(pattern, (height, width))
    picture = np.array(backdrop.colour, np.float32) + grey[:, :, None]
    picture = np.ascontiguousarray(np.clip(picture, 0, 140), np.uint8)
    for _ in range(backdrop.clutter):
        _scribble(picture, random)
    return picture


def _scribble(picture: np.ndarray, random: np.random.Generator) -> None:
    """Draw a dot or a short line, grey and smaller than any figure."""
    height, width = picture.shape[:2]
    side = min(height, width)
    x, y = random.uniform(0, 1, 2) * (width, height)
    grey = float(random.uniform(20, 150))
    colour = (random.uniform(0.9, 1.1, 3) * grey).tolist()
    if random.random() < 0.5:
        radius = round(side * random.uniform(0.01, 0.025))
        cv2.circle(picture, (int(x), int(y)), max(radius, 1), colour, cv2.FILLED, cv2.LINE_AA)
    else:
        angle, length = random.uniform(0, np.pi), side * random.uniform(0.05, 0.15)
        end = (int(x + length * np.cos(angle)), int(y + length * np.sin(angle)))
        cv2.line(picture, (int(x), int(y)), end, colour, max(round(side / 112), 1), cv2.LINE_AA)


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Coordinates of a texture; each method returns values in [-1, 1], broadcastable to (H, W).

    Attributes:
        x, y: 0 to 1 over the shorter side of the picture: float32 (1, W) and (H, 1).
        pitch: distance between two stripes, bricks and so on, in the unit of x and y.
        random: random numbers for all else.
    """

    x: np.ndarray
    y: np.ndarray
    pitch: float
    random: np.random.Generator

    def plain(self) -> np.ndarray:
        return np.zeros((1, 1), np.float32)

    def gradient(self) -> np.ndarray:
        cos, sin = self._direction()
        return np.asarray(2 * ((self.x - 0.5) * cos + (self.y - 0.5) * sin)).clip(-1, 1)

    def stripes(self) -> np.ndarray:
        cos, sin = self._direction()
        return np.asarray(np.sin((self.x * cos + self.y * sin) * (2 * np.pi / self.pitch)))

    def checks(self) -> np.ndarray:
        return np.asarray((self.x // self.pitch + self.y // self.pitch) % 2 * 2 - 1)

    def clouds(self) -> np.ndarray:
        cells = max(round(1 / self.pitch), 2)
        coarse = self.random.uniform(-1, 1, (cells + 1, cells + 1))
        size = (self.x.size, self.y.size)
        return np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))

    def bricks(self) -> np.ndarray:
        row = self.y / (self.pitch / 2)
        along = (self.x / self.pitch + 0.5 * (row // 1 % 2)) % 1
        return np.where((row % 1 < 0.15) | (along < 0.08), 1.0, -0.3)

    def _direction(self) -> tuple[float, float]:
        angle = self.random.uniform(0, 2 * np.pi)
        return float(np.cos(angle)), float(np.sin(angle))


TEXTURES: dict[Texture, Callable[[_Canvas], np.ndarray]] = {
    Texture.PLAIN: _Canvas.plain,
    Texture.GRADIENT: _Canvas.gradient,
    Texture.STRIPES: _Canvas.stripes,
    Texture.CHECKS: _Canvas.checks,
    Texture.CLOUDS: _Canvas.clouds,
    Texture.BRICKS: _Canvas.bricks,
}
