"""ROS messages <-> frames, audio and events."""

from __future__ import annotations

import array

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

import roma_ros.msg as messages
from roma_ros.events import Alert, Narration, SpeakProbability
from roma_ros.nodes.stamps import time_of
from roma_ros.units import AudioChunk, CompressedFrame, Frame, ImageError, RawFrame
from roma_ros.units.frame import DEFAULT_DECODED_PIXELS

__all__ = [
    "alert_message",
    "audio_message",
    "compressed_frame",
    "compressed_image",
    "image_message",
    "narration_message",
    "raw_frame",
    "speak_probability_message",
]

JPEG_QUALITY = 90


def raw_frame(message: Image, stamp: int) -> RawFrame:
    """A frame over the message's own bytes; nothing is copied or decoded."""
    return RawFrame(
        stamp=stamp,
        height=message.height,
        width=message.width,
        encoding=message.encoding,
        step=message.step,
        data=memoryview(message.data),
        is_bigendian=bool(message.is_bigendian),
    )


def compressed_frame(
    message: CompressedImage, stamp: int, max_pixels: int = DEFAULT_DECODED_PIXELS
) -> CompressedFrame:
    """A frame over the message's own bytes; nothing is copied or decoded.

    Args:
        max_pixels: a larger image that can only be decoded whole will be refused.
    """
    data = memoryview(message.data)
    return CompressedFrame(stamp=stamp, format=message.format, data=data, max_pixels=max_pixels)


def image_message(frame: Frame, frame_id: str) -> Image:
    """An rgb8 image. Raises ImageError."""
    rgb = np.ascontiguousarray(frame.decode())
    height, width, _ = rgb.shape
    return Image(
        header=_header(frame.stamp, frame_id),
        height=height,
        width=width,
        encoding="rgb8",
        step=3 * width,
        data=_bytes(rgb),
    )


def compressed_image(frame: Frame, frame_id: str) -> CompressedImage:
    """A JPEG image. Raises ImageError."""
    bgr = cv2.cvtColor(frame.decode(), cv2.COLOR_RGB2BGR)
    done, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ImageError(f"a frame of {bgr.shape[1]}x{bgr.shape[0]} could not be coded as JPEG")
    return CompressedImage(header=_header(frame.stamp, frame_id), format="jpeg", data=_bytes(jpeg))


def audio_message(chunk: AudioChunk, frame_id: str) -> messages.Audio:
    """32-bit floats, as they are."""
    return messages.Audio(
        header=_header(chunk.stamp, frame_id),
        sample_rate=chunk.rate,
        channels=chunk.samples.shape[1],
        format="f32le",
        data=_bytes(np.ascontiguousarray(chunk.samples, dtype="<f4")),
    )


def alert_message(event: Alert) -> messages.Alert:
    return messages.Alert(**_said(event))


def narration_message(event: Narration) -> messages.Narration:
    return messages.Narration(**_said(event))


def speak_probability_message(event: SpeakProbability) -> messages.SpeakProbability:
    return messages.SpeakProbability(
        header=_header(event.stamp),
        watch=event.watch,
        unit=event.unit,
        p_speak=event.p_speak,
        threshold=event.threshold,
        triggered=event.triggered,
    )


def _said(event: Alert | Narration) -> dict[str, object]:
    """What both kinds of message tell."""
    return {
        "header": _header(event.stamp),
        "watch": event.watch,
        "instruction": event.instruction,
        "text": event.text,
        "p_speak": event.p_speak,
        "unit": event.unit,
    }


def _header(stamp: int, frame_id: str = "") -> Header:
    return Header(stamp=time_of(stamp), frame_id=frame_id)


def _bytes(values: np.ndarray) -> array.array[int]:
    """As rclpy takes them without looking at each one."""
    data = array.array("B")
    data.frombytes(values.view(np.uint8).data.cast("B"))
    return data
