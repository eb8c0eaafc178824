"""Light, lamps and covers of a scene, painted over its pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from roma_ros.world.sights import Incident, SightEvent
from roma_ros.world.words import Colour

__all__ = ["SightPainter"]

GLOW = {
    Colour.RED: (255, 30, 25),
    Colour.GREEN: (30, 255, 60),
    Colour.YELLOW: (255, 200, 20),
    Colour.BLUE: (40, 80, 255),
    Colour.WHITE: (255, 250, 240),
    Colour.PURPLE: (210, 50, 255),
}
"""RGB of the glow of each lamp, 0 to 255."""
HOT = 0.45  # share of white in the middle of a lamp
OFF = 0.28  # brightness of a lamp that is off, before the light of the room
MIRRORED = 0.35  # brightness of a reflection
EDGE = 0.06  # softness of the edge of a cover that comes or goes, as a share of the side


class SightPainter:
    """Painter of the sights of a scene.

    Args:
        events: sights of the scene.
        height, width: size of the pictures in pixels.
    """

    def __init__(self, events: Sequence[SightEvent], height: int, width: int) -> None:
        self.height, self.width = height, width
        self._lights = [e for e in events if e.incident in (Incident.DARK, Incident.DIMMED)]
        self._covers = [event for event in events if event.incident is Incident.COVERED]
        self._lamps = [event for event in events if event.incident is Incident.LAMP]
        rows, columns = np.mgrid[:height, :width].astype(np.float32)
        self._x, self._y = (columns + 0.5) / width, (rows + 0.5) / height

    def paint(self, picture: np.ndarray, time: float) -> np.ndarray:
        """Return a picture with the sights at a time in seconds: uint8 (H, W, 3) RGB."""
        for lamp in self._lamps:
            if lamp.housing:
                self._house(picture, lamp)
        for light in self._lights:
            if light.active(time):
                picture = np.asarray(cv2.convertScaleAbs(picture, alpha=light.level))
        for lamp in self._lamps:
            if lamp.lit(time):
                picture = self._shine(picture, lamp)
        for cover in self._covers:
            if cover.active(time):
                picture = self._cover(picture, cover, time)
        return picture

    def _house(self, picture: np.ndarray, lamp: SightEvent) -> None:
        centre = round(lamp.x * self.width), round(lamp.y * self.height)
        radius = max(round(lamp.size * min(self.height, self.width)), 1)
        colour = [OFF * (0.6 * part + 50) for part in GLOW[lamp.colour]]
        rim = max(radius // 3, 1)
        cv2.circle(picture, centre, radius + rim, (28, 28, 30), cv2.FILLED, cv2.LINE_AA)
        cv2.circle(picture, centre, radius, colour, cv2.FILLED, cv2.LINE_AA)

    def _shine(self, picture: np.ndarray, lamp: SightEvent) -> np.ndarray:
        bright = self._glow(lamp, lamp.x, lamp.y, 1.0, picture.astype(np.float32))
        if lamp.mirrored:
            bright = self._glow(lamp, lamp.x, min(lamp.y + 6 * lamp.size, 1), MIRRORED, bright)
        return np.asarray(np.clip(bright, 0, 255), np.uint8)

    def _glow(
        self, lamp: SightEvent, x: float, y: float, share: float, picture: np.ndarray
    ) -> np.ndarray:
        """Add a lamp's light to a picture: float32 (H, W, 3)."""
        side = min(self.height, self.width)
        across = (self._x - x) * self.width / side
        down = (self._y - y) * self.height / side
        distance = np.sqrt(across**2 + down**2) / lamp.size  # in radii of the lamp
        core = np.clip((1.15 - distance) / 0.3, 0, 1)[:, :, None] * share
        hot = np.clip(1 - distance / 0.8, 0, 1)[:, :, None] * HOT
        halo = np.exp(-0.5 * (distance / lamp.halo) ** 2)[:, :, None] * 0.6 * lamp.level * share
        colour = np.array(GLOW[lamp.colour], np.float32)
        # The halo hides as well as adds: on a bright wall a red lamp still looks red.
        picture = picture * (1 - 0.5 * halo) + halo * colour
        return np.asarray(picture * (1 - core) + core * (colour * (1 - hot) + 255 * hot))

    def _cover(self, picture: np.ndarray, cover: SightEvent, time: float) -> np.ndarray:
        random = np.random.default_rng((cover.seed, 9))
        coarse = random.normal(0, 1, (4, 4, 1)).astype(np.float32)
        size = (self.width, self.height)
        blotches = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)[:, :, None]
        slope = random.uniform(-0.3, 0.3, 2)
        shade = 1 + slope[0] * (self._x - 0.5) + slope[1] * (self._y - 0.5)
        grey = cover.level * shade[:, :, None] * (1 + 0.06 * blotches)
        cloth = np.clip(grey * np.array(cover.tint, np.float32), 0, 255)
        share = cover.coverage(time)
        if share >= 1:
            return np.asarray(cloth, np.uint8)
        along = cover.x * (self._x - 0.5) + cover.y * (self._y - 0.5)
        reach = (abs(cover.x) + abs(cover.y)) / 2 or 1.0
        # 0 where the cover arrives first, 1 where it arrives last.
        place = (1 - along / reach) / 2
        alpha = np.clip((share * (1 + EDGE) - place) / EDGE, 0, 1)[:, :, None]
        mixed = picture * (1 - alpha) + cloth * alpha
        return np.asarray(mixed, np.uint8)
