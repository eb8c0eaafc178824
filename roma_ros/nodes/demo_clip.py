"""The stream of the demo: a room with a ball that rolls through it, and a door bell."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np

__all__ = ["BELLS", "CLIP_SECONDS", "write_clip"]

CLIP_SECONDS = 15.8  # 15 whole units, and what it takes to close the last one
BELLS = (4.0, 10.0)  # seconds at which the bell rings
WIDTH, HEIGHT, FPS, RATE = 320, 240, 15, 48_000
AUDIO_BLOCK = 1024


def write_clip(path: Path, seconds: float = CLIP_SECONDS) -> None:
    """Write it, or its beginning, as MP4 with picture and sound."""
    sound = _sound(seconds)
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.bit_rate = 1_000_000
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for number in range(round(seconds * FPS)):
            frame = av.VideoFrame.from_ndarray(_picture(number / FPS), format="rgb24")
            container.mux(video.encode(frame))
        for begin in range(0, len(sound), AUDIO_BLOCK):
            block = av.AudioFrame.from_ndarray(
                sound[None, begin : begin + AUDIO_BLOCK], format="fltp", layout="mono"
            )
            block.sample_rate, block.pts = RATE, begin
            container.mux(audio.encode(block))
        container.mux(video.encode())
        container.mux(audio.encode())


def _picture(second: float) -> np.ndarray:
    """uint8 (HEIGHT, WIDTH, 3) RGB."""
    picture = np.full((HEIGHT, WIDTH, 3), (196, 188, 172), np.uint8)
    cv2.rectangle(picture, (0, 170), (WIDTH, HEIGHT), (120, 92, 64), cv2.FILLED)
    cv2.rectangle(picture, (230, 60), (290, 170), (88, 60, 40), cv2.FILLED)
    at_the_door = any(bell <= second < bell + 2.0 for bell in BELLS)
    lamp = (255, 240, 120) if at_the_door else (90, 90, 90)
    cv2.circle(picture, (260, 40), 10, lamp, cv2.FILLED)
    ball = (int(second * 40) % (WIDTH + 60) - 30, 165 - int(40 * abs(np.sin(3 * second))))
    cv2.circle(picture, ball, 22, (210, 40, 40), cv2.FILLED)
    cv2.putText(
        picture, f"{second:4.1f} s", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (30, 30, 30), 2
    )
    return picture


def _sound(seconds: float) -> np.ndarray:
    """float32 (n,): a quiet room, and a bell of two tones."""
    times = np.arange(round(seconds * RATE)) / RATE
    sound = 0.01 * np.random.default_rng(0).standard_normal(len(times))
    for bell in BELLS:
        for begin, pitch in ((bell, 660.0), (bell + 0.6, 528.0)):
            age = np.clip(times - begin, 0.0, None)
            sound += 0.3 * (age > 0) * np.exp(-4.0 * age) * np.sin(2 * np.pi * pitch * age)
    return sound.astype(np.float32)
