"""Video file of a scene: H.264 pictures and AAC sound in MP4, by PyAV (FFmpeg)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from roma_ros.units import UNIT_RATE
from roma_ros.world.errors import FilmError, SceneError
from roma_ros.world.renderer import WorldRenderer
from roma_ros.world.scene import Scene

__all__ = ["write_film", "write_speech"]

QUALITY = {"crf": "18", "preset": "veryfast"}
SOUND_BITS = 96_000  # a second


def write_film(
    path: Path, scene: Scene, *, height: int = 224, width: int = 224, fps: int = 25
) -> None:
    """Render a scene into an MP4 file; one that exists is overwritten.

    Args:
        path: path of the file.
        scene: scene to render.
        height, width: size of the pictures in pixels, even numbers from 56.
        fps: frames per second, 2 to 120.

    Raises:
        SceneError: size or frame rate is out of range.
        FilmError: FFmpeg lacks an encoder, or the file cannot be written.
        SpeechError: the scene has speech and espeak-ng is missing.
    """
    if height % 2 or width % 2:
        raise SceneError(
            f"the frames have {width}x{height} pixels; expected even numbers for H.264"
        )
    if not 2 <= fps <= 120:
        raise SceneError(f"the frame rate is {fps} Hz; expected 2 to 120 Hz")
    renderer = WorldRenderer(scene, height, width)
    try:
        with av.open(str(path), "w", format="mp4") as film:
            video = film.add_stream("libx264", rate=fps, options=dict(QUALITY))
            video.height, video.width, video.pix_fmt = height, width, "yuv420p"
            sound = film.add_stream("aac", rate=UNIT_RATE, layout="mono")
            sound.bit_rate = SOUND_BITS
            for second in range(scene.seconds):
                for index in range(second * fps, (second + 1) * fps):
                    film.mux(video.encode(_picture(renderer.frame(index / fps), index, fps)))
                film.mux(sound.encode(_sound(renderer.sound(second), second * UNIT_RATE)))
            film.mux(video.encode())
            film.mux(sound.encode())
    except (av.FFmpegError, av.codec.codec.UnknownCodecError) as error:
        raise FilmError(f"{path} cannot be written: {error}") from error


def write_speech(path: Path, line: np.ndarray) -> None:
    """Write float32 (n,) at 16 kHz as a 16-bit WAV file. Raises FilmError if that fails."""
    try:
        with av.open(str(path), "w", format="wav") as file:
            sound = file.add_stream("pcm_s16le", rate=UNIT_RATE, layout="mono")
            file.mux(sound.encode(_sound(line, 0)))
            file.mux(sound.encode())
    except av.FFmpegError as error:
        raise FilmError(f"{path} cannot be written: {error}") from error


def _picture(rgb: np.ndarray, index: int, fps: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    frame.pts, frame.time_base = index, Fraction(1, fps)
    return frame


def _sound(samples: np.ndarray, first: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="flt", layout="mono")
    frame.sample_rate = UNIT_RATE
    frame.pts, frame.time_base = first, Fraction(1, UNIT_RATE)
    return frame
