"""Real video packets for tests."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
import numpy as np

__all__ = ["GOP", "HEIGHT", "WIDTH", "Packet", "colour", "encoded"]

HEIGHT, WIDTH = 64, 96
GOP = 8  # pictures from one key frame to the next
_OPTIONS = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=error:repeat-headers=1"},
    "libsvtav1": {"preset": "12", "svtav1-params": "pred-struct=1"},
    "libvpx-vp9": {"deadline": "realtime", "lag-in-frames": "0"},
}


@dataclass(frozen=True)
class Packet:
    """A packet, the number of its picture, and whether it is a key frame."""

    number: int
    key: bool
    data: bytes


def colour(number: int) -> tuple[int, int, int]:
    """Of picture `number`: each has another one."""
    return (40 + 8 * (number % 24), 120, 220 - 7 * (number % 24))


@cache
def encoded(encoder: str, count: int = 2 * GOP, b_frames: int = 0) -> list[Packet]:
    """Pictures of one colour each, coded; in the order in which an encoder gives them."""
    context = av.CodecContext.create(encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 10), Fraction(10)
    context.gop_size, context.max_b_frames = GOP, b_frames
    context.options = dict(_OPTIONS[encoder])
    if not b_frames and encoder in ("libx264", "libx265"):
        context.options = {**context.options, "tune": "zerolatency"}
    packets = []
    for number in range(count):
        pixels = np.full((HEIGHT, WIDTH, 3), colour(number), np.uint8)
        pixels[10:20, 3 * number % WIDTH] = 255  # something moves
        picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        picture.pts = number
        packets += context.encode(picture)
    packets += context.encode(None)
    return [Packet(int(packet.pts or 0), packet.is_keyframe, bytes(packet)) for packet in packets]
