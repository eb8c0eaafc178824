"""ROS messages <-> frames, audio and events."""

from __future__ import annotations

import array

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String

import roma_ros.msg as messages
from roma_ros.events import Alert, Narration, SpeakProbability
from roma_ros.nodes.stamps import time_of
from roma_ros.units import AudioChunk, CompressedFrame, Frame, ImageError, RawFrame

__all__ = [
    "alert_message",
    "audio_message",
    "compressed_frame",
    "compressed_image",
    "header",
    "image_message",
    "narration_message",
    "raw_frame",
    "speak_probability_message",
    "text_message",
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


def compressed_frame(message: CompressedImage, stamp: int) -> CompressedFrame:
    """A frame over the message's own bytes; nothing is copied or decoded."""
    return CompressedFrame(stamp=stamp, format=message.format, data=memoryview(message.data))


def image_message(frame: Frame, frame_id: str) -> Image:
    """An rgb8 image. Raises ImageError."""
    rgb = np.ascontiguousarray(frame.decode())
    height, width, _ = rgb.shape
    return Image(
        header=header(frame.stamp, frame_id),
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
    return CompressedImage(header=header(frame.stamp, frame_id), format="jpeg", data=_bytes(jpeg))


def audio_message(chunk: AudioChunk, frame_id: str) -> messages.Audio:
    """32-bit floats, as they are."""
    return messages.Audio(
        header=header(chunk.stamp, frame_id),
        sample_rate=chunk.rate,
        channels=chunk.samples.shape[1],
        format="f32le",
        data=_bytes(np.ascontiguousarray(chunk.samples, dtype="<f4")),
    )


def alert_message(event: Alert, frame_id: str = "") -> messages.Alert:
    return messages.Alert(**_said(event, frame_id))


def narration_message(event: Narration, frame_id: str = "") -> messages.Narration:
    return messages.Narration(**_said(event, frame_id))


def speak_probability_message(
    event: SpeakProbability, frame_id: str = ""
) -> messages.SpeakProbability:
    return messages.SpeakProbability(
        header=header(event.stamp, frame_id),
        watch=event.watch,
        stream=event.stream,
        unit=event.unit,
        p_speak=event.p_speak,
        threshold=event.threshold,
        triggered=event.triggered,
    )


def text_message(event: Alert | Narration) -> String:
    """The id of the watch, a colon and a space, and its words; without words, its instruction."""
    return String(data=f"{event.watch}: {event.text or event.instruction}")


def _said(event: Alert | Narration, frame_id: str) -> dict[str, object]:
    """What both kinds of message tell."""
    return {
        "header": header(event.stamp, frame_id),
        "watch": event.watch,
        "instruction": event.instruction,
        "text": event.text,
        "p_speak": event.p_speak,
        "stream": event.stream,
        "unit": event.unit,
    }


def header(stamp: int, frame_id: str = "") -> Header:
    """Of a message.

    Args:
        stamp: ns.
        frame_id: name of the coordinate frame.
    """
    return Header(stamp=time_of(stamp), frame_id=frame_id)


def _bytes(values: np.ndarray) -> array.array[int]:
    """As rclpy takes them without looking at each one."""
    data = array.array("B")
    data.frombytes(values.view(np.uint8).data.cast("B"))
    return data
