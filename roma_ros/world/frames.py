"""Pictures of a scene, at any time and size."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import lru_cache

import cv2
import numpy as np

from roma_ros.units import FRAMES_PER_UNIT
from roma_ros.world.backdrop import paint_background
from roma_ros.world.errors import SceneError
from roma_ros.world.scene import LOOK_EVERY, Figure, Scene
from roma_ros.world.sight_painter import SightPainter
from roma_ros.world.sights import Incident
from roma_ros.world.splits import Purpose, generator
from roma_ros.world.words import Colour, Shape

__all__ = ["MIN_SIDE", "PALETTE", "FrameRenderer"]

MIN_SIDE = 56
PALETTE = {
    Colour.RED: (220, 40, 35),
    Colour.GREEN: (35, 175, 60),
    Colour.BLUE: (45, 80, 235),
    Colour.YELLOW: (235, 215, 45),
    Colour.PURPLE: (180, 50, 200),
    Colour.WHITE: (240, 240, 240),
}
"""RGB of each colour, 0 to 255, before tint, light and noise."""

SUBPIXEL_BITS = 4  # of OpenCV's drawing coordinates
FULL_LIGHT = 128
DRIFT = 48  # largest shift in pixels between the noise of two pictures


class FrameRenderer:
    """Renderer of a scene's pictures; deterministic in scene, size and time.

    Args:
        scene: scene to render.
        height, width: size of the pictures in pixels, at least 56.

    Raises:
        SceneError: the size is smaller.
    """

    def __init__(self, scene: Scene, height: int = 112, width: int = 112) -> None:
        if min(height, width) < MIN_SIDE:
            raise SceneError(
                f"the frames have {width}x{height} pixels; expected {MIN_SIDE}x{MIN_SIDE} or larger"
            )
        self.scene = scene
        self.height, self.width = height, width
        self._side = min(height, width)
        random = generator(scene.seed, Purpose.PICTURES)
        self._background = paint_background(scene.backdrop, random, height, width)
        self._noise = _noise(scene.backdrop.noise, height + DRIFT, width + DRIFT)
        self._jitter = random.integers(DRIFT, size=(997, 2)).tolist()
        self._figures: dict[int, list[Figure]] = defaultdict(list)  # by second
        for figure in scene.figures:
            for second in range(math.floor(figure.appears), math.ceil(figure.leaves)):
                self._figures[second].append(figure)
        self._painter = SightPainter(scene.sights, height, width) if scene.sights else None
        self._frozen = [e for e in scene.sights if e.incident is Incident.FROZEN]

    def unit(self, index: int) -> np.ndarray:
        """Render the frames of a unit at +0.0 s and +0.5 s: uint8 (2, H, W, 3) RGB."""
        return np.stack([self.frame(index + k * LOOK_EVERY) for k in range(FRAMES_PER_UNIT)])

    def frame(self, time: float) -> np.ndarray:
        """Render the picture at a time in seconds: uint8 (H, W, 3) RGB."""
        camera = self.scene.camera
        picture = self.content(time)
        picture = cv2.multiply(picture, self._light(time), scale=1 / FULL_LIGHT)
        if self._painter:
            picture = self._painter.paint(picture, time)
        if camera:
            picture = camera.expose(picture, time)
        down, right = self._jitter[round(time * 1000) % len(self._jitter)]
        noise = self._noise[down : down + self.height, right : right + self.width]
        picture = np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U))
        return camera.compress(picture) if camera else picture

    def content(self, time: float) -> np.ndarray:
        """Render background and figures without light, sights and noise: uint8 (H, W, 3) RGB."""
        footage = self.scene.footage
        if footage is None:
            picture = self._background.copy()
        else:
            picture = footage.frame(self._played(time), self.height, self.width)
        for passer in self.scene.passers:
            passer.paint(picture, time)
        for figure in self._figures.get(math.floor(time), ()):
            self._draw(picture, figure, time)
        return np.asarray(picture)

    def _played(self, time: float) -> float:
        """Return a time in seconds without the time for which the footage was frozen."""
        return time - sum(max(min(e.ends, time) - e.begins, 0.0) for e in self._frozen)

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Return the column and row in pixels of a place on the stage (x and y, 0 to 1)."""
        return (
            self.width / 2 + (x - 0.5) * self._side,
            self.height / 2 + (y - 0.5) * self._side,
        )

    def _draw(self, picture: np.ndarray, figure: Figure, time: float) -> None:
        radius = figure.size * self._side * figure.growth(time)
        if radius < 1:
            return
        base = PALETTE[figure.look.colour]
        colour = [min(c * tint, 255.0) for c, tint in zip(base, figure.tint, strict=True)]
        # OpenCV has pixel centres at whole numbers, the stage has pixel edges there.
        centre = np.array(self.pixel(*figure.place(time))) - 0.5
        if figure.look.shape is Shape.CIRCLE:
            x, y = _fixed(centre).tolist()
            fixed_radius = int(radius * CIRCLE_SIZE * (1 << SUBPIXEL_BITS))
            cv2.circle(
                picture, (x, y), fixed_radius, colour, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS
            )
        else:
            points = _fixed(centre + radius * _turned(figure.look.shape, figure.angle))
            cv2.fillPoly(picture, [points], colour, cv2.LINE_AA, SUBPIXEL_BITS)

    def _light(self, time: float) -> np.ndarray:
        """Return the brightness factors of a picture, FULL_LIGHT for 1.0: uint8 (H, W, 3)."""
        light = self.scene.backdrop.light
        swing = 2 * math.pi * time / light.period + light.phase
        across, down = _ramps(self.height, self.width)
        factors = cv2.addWeighted(
            across,
            light.slope * math.cos(swing / 3),
            down,
            light.slope * math.sin(swing / 3),
            light.level + light.swing * math.sin(swing),
        )
        # OpenCV multiplies bytes by bytes 90 times as fast as bytes by floats.
        return np.asarray(cv2.convertScaleAbs(factors, alpha=FULL_LIGHT))


CIRCLE_SIZE = 0.9  # share of the common radius, so that the areas of shapes are similar


def _star() -> np.ndarray:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radii = np.where(np.arange(10) % 2, 0.46, 1.05)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _cross() -> np.ndarray:
    arm = np.array([(0.3, -0.3), (1.0, -0.3), (1.0, 0.3)])
    quarter_turn = np.array([(0, 1), (-1, 0)])
    return np.concatenate([arm @ np.linalg.matrix_power(quarter_turn, k) for k in range(4)])


OUTLINES = {  # (n, 2): x and y for a radius of 1
    Shape.SQUARE: np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 0.78,
    Shape.TRIANGLE: np.array([(0, -1.1), (0.95, 0.55), (-0.95, 0.55)]),
    Shape.STAR: _star(),
    Shape.CROSS: _cross(),
}


def _turned(shape: Shape, angle: float) -> np.ndarray:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(OUTLINES[shape] @ np.array([(cos, sin), (-sin, cos)]))


def _fixed(points: np.ndarray) -> np.ndarray:
    return np.asarray(np.rint(points * (1 << SUBPIXEL_BITS)), np.int32)


@lru_cache(maxsize=8)
def _ramps(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Return ramps from -1 to 1, to the right and downwards: float32 (H, W, 3) each."""
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :, None]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None, None]
    whole = np.zeros((height, width, 3), np.float32)
    return whole + across, whole + down


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Return normal noise of standard deviation 1: float32 (256, 256, 3)."""
    return np.random.default_rng(0).standard_normal((256, 256, 3), np.float32)


def _noise(deviation: float, height: int, width: int) -> np.ndarray:
    """Return tiled noise in grey levels: int16 (height, width, 3)."""
    grain = np.rint(_grain() * deviation).astype(np.int16)
    down, right = max(height - 256, 0), max(width - 256, 0)
    whole = cv2.copyMakeBorder(grain, 0, down, 0, right, cv2.BORDER_WRAP)
    return np.ascontiguousarray(whole[:height, :width])
