"""Faults of a camera that are no events: exposure, white balance, shake, blur, compression."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["CameraFaults", "draw_faults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFaults:
    """Faults of a camera; deterministic in time.

    Attributes:
        exposure: amplitude of the drift of the brightness, as a share.
        balance: amplitude of the drift of red against blue, as a share.
        period: period of both in seconds.
        phase: phase of all drifts in radians.
        shake: amplitude of the shake as a share of the picture's shorter side.
        blur: standard deviation of the blur in pixels of a 112-pixel picture.
        quality: JPEG quality, 1 to 100; 0 for no compression.
    """

    exposure: float = 0.0
    balance: float = 0.0
    period: float = 10.0
    phase: float = 0.0
    shake: float = 0.0
    blur: float = 0.0
    quality: int = 0

    def expose(self, picture: np.ndarray, time: float) -> np.ndarray:
        """Return a picture with shake, blur, exposure and white balance: uint8 (H, W, 3) RGB."""
        height, width = picture.shape[:2]
        side = min(height, width)
        if self.shake:
            # Sines of frequencies without a common period, so that frames at 2 fps differ.
            right = math.sin(7.31 * time + self.phase) + math.sin(17.9 * time)
            down = math.sin(9.77 * time + 2 * self.phase) + math.sin(14.3 * time)
            move = self.shake * side / 2 * np.array([right, down])
            matrix = np.hstack([np.eye(2), move[:, None]])
            picture = cv2.warpAffine(
                picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
            )
        if self.blur:
            picture = cv2.GaussianBlur(picture, (0, 0), self.blur * side / 112)
        swing = 2 * math.pi * time / self.period + self.phase
        level = 1 + self.exposure * math.sin(swing)
        warmth = self.balance * math.sin(0.7 * swing + 1)
        factors = np.diag([level * (1 + warmth), level, level * (1 - warmth)])
        return np.asarray(cv2.transform(picture, factors))

    def compress(self, picture: np.ndarray) -> np.ndarray:
        """Return a picture after JPEG compression: uint8 (H, W, 3) RGB."""
        if not self.quality:
            return picture
        bgr = picture[:, :, ::-1]
        _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        return np.ascontiguousarray(np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))[:, :, ::-1])


def draw_faults(random: np.random.Generator) -> CameraFaults:
    """Draw the faults of a camera."""
    return CameraFaults(
        exposure=float(random.uniform(0, 0.15)),
        balance=float(random.uniform(0, 0.06)),
        period=float(random.uniform(5, 25)),
        phase=float(random.uniform(0, 2 * np.pi)),
        shake=float(random.uniform(0.002, 0.008)) if random.random() < 0.4 else 0.0,
        blur=float(random.uniform(0.4, 0.9)) if random.random() < 0.4 else 0.0,
        quality=int(random.integers(30, 96)) if random.random() < 0.6 else 0,
    )
