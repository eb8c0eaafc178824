"""ROS messages <-> frames, audio and events; readers of every image transport."""

from __future__ import annotations

import array
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String

import roma_ros.msg as messages
from roma_ros.events import Alert, Narration, SpeakProbability
from roma_ros.nodes.stamps import time_of
from roma_ros.sources.video_packets import PacketDecoder, codec_of
from roma_ros.units import AudioChunk, CompressedFrame, Frame, ImageError, RawFrame, RgbFrame
from roma_ros.units.frame import DEFAULT_DECODED_PIXELS

__all__ = [
    "IMAGE_TRANSPORTS",
    "OUTPUT_TRANSPORTS",
    "ImageInput",
    "ImageTransportError",
    "VideoPackets",
    "alert_message",
    "audio_message",
    "compressed_frame",
    "compressed_image",
    "header_message",
    "image_input",
    "image_message",
    "image_topic",
    "input_topic",
    "narration_message",
    "raw_frame",
    "speak_probability_message",
    "text_message",
]

JPEG_QUALITY = 90
OUTPUT_TRANSPORTS = ("raw", "compressed")
"""What our own sensor nodes publish."""
IMAGE_TRANSPORTS = (*OUTPUT_TRANSPORTS, "ffmpeg", "foxglove")
"""What the roma node reads, by the names of image_transport's plugins."""

UNKNOWN_SEQUENCE = (None, 0, 2**64 - 1)
"""What ROS middlewares give that do not number messages."""


KEPT_BYTES = 24 * 1024 * 1024
"""Larger raw images are decoded, and made smaller, when they come: a dozen may wait for a unit."""


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
        header=header_message(frame.stamp, frame_id),
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
    return CompressedImage(
        header=header_message(frame.stamp, frame_id), format="jpeg", data=_bytes(jpeg)
    )


def audio_message(chunk: AudioChunk, frame_id: str) -> messages.Audio:
    """32-bit floats, as they are."""
    return messages.Audio(
        header=header_message(chunk.stamp, frame_id),
        sample_rate=chunk.rate,
        channels=chunk.samples.shape[1],
        format="f32le",
        data=_bytes(np.ascontiguousarray(chunk.samples, dtype="<f4")),
    )


def alert_message(event: Alert, sequence: int = 0, frame_id: str = "") -> messages.Alert:
    """An alert, with its number in the journal; 0 without one."""
    return messages.Alert(sequence=sequence, **_said(event, frame_id))


def narration_message(
    event: Narration, sequence: int = 0, frame_id: str = ""
) -> messages.Narration:
    """A narration, with its number in the journal; 0 without one."""
    return messages.Narration(sequence=sequence, **_said(event, frame_id))


def speak_probability_message(
    event: SpeakProbability, frame_id: str = ""
) -> messages.SpeakProbability:
    return messages.SpeakProbability(
        header=header_message(event.stamp, frame_id),
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
        "header": header_message(event.stamp, frame_id),
        "watch": event.watch,
        "instruction": event.instruction,
        "text": event.text,
        "p_speak": event.p_speak,
        "stream": event.stream,
        "unit": event.unit,
    }


def header_message(stamp: int, frame_id: str = "") -> Header:
    """The header of a message.

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


# --- image transports ---


class ImageTransportError(ValueError):
    """The parameter image_transport names messages that are not installed."""


class ImageInput(Protocol):
    """Reads one type of image message."""

    @property
    def message_type(self) -> type:
        """What to subscribe to."""

    def frames(self, message: Any, stamp: int, sequence: int | None) -> Sequence[Frame]:
        """The frames that a message completes.

        Args:
            stamp: of the message, ns.
            sequence: its number among those of its publisher, if that is known.

        Raises:
            ImageError: it cannot be read.
        """


class RawImages:
    """sensor_msgs/Image."""

    message_type = Image

    def frames(self, message: Image, stamp: int, _sequence: int | None) -> Sequence[Frame]:
        frame = raw_frame(message, stamp)
        if len(message.data) <= KEPT_BYTES:
            return [frame]
        return [RgbFrame(stamp, frame.decode())]


@dataclass(frozen=True, slots=True)
class CompressedImages:
    """sensor_msgs/CompressedImage.

    Attributes:
        max_pixels: larger images that can only be decoded whole are refused.
    """

    max_pixels: int = DEFAULT_DECODED_PIXELS
    message_type: type = CompressedImage

    def frames(
        self, message: CompressedImage, stamp: int, _sequence: int | None
    ) -> Sequence[Frame]:
        return [compressed_frame(message, stamp, self.max_pixels)]


class VideoPackets:
    """ffmpeg_image_transport_msgs/FFMPEGPacket and foxglove_msgs/CompressedVideo.

    The decoder has the state of one stream: messages are to be read in their order, by one thread.
    """

    def __init__(self, message_type: type) -> None:
        self.message_type = message_type
        self._decoder = PacketDecoder()
        self._sequence: int | None = None

    def frames(self, message: Any, stamp: int, sequence: int | None) -> Sequence[Frame]:
        previous, self._sequence = self._sequence, sequence
        unknown = sequence in UNKNOWN_SEQUENCE or previous in UNKNOWN_SEQUENCE
        lost = not unknown and sequence != (previous or 0) + 1
        name = message.encoding if hasattr(message, "encoding") else message.format
        codec = codec_of(name.partition(";")[0])
        return self._decoder.decode(codec, memoryview(message.data), stamp, lost=lost)


_VIDEO_MESSAGES = {
    "ffmpeg": ("ffmpeg_image_transport_msgs", "FFMPEGPacket"),
    "foxglove": ("foxglove_msgs", "CompressedVideo"),
}


def image_input(transport: str, max_pixels: int = DEFAULT_DECODED_PIXELS) -> ImageInput:
    """The reader of what a transport sends.

    Args:
        transport: one of IMAGE_TRANSPORTS.
        max_pixels: bound of compressed images that can only be decoded whole.

    Raises:
        ImageTransportError: its messages are not installed.
    """
    if transport == "raw":
        return RawImages()
    if transport == "compressed":
        return CompressedImages(max_pixels)
    package, name = _VIDEO_MESSAGES[transport]
    try:
        return VideoPackets(getattr(importlib.import_module(f"{package}.msg"), name))
    except (ImportError, AttributeError) as error:
        raise ImageTransportError(
            f"image_transport is {transport}, but {package}/{name} is not installed; install it "
            f"(apt: ros-<distro>-{package.replace('_', '-')}) and source its workspace, or let "
            "image_transport's node republish decode the topic (its parameters in_transport "
            f"{transport} and out_transport compressed) and set image_transport to compressed"
        ) from error


def image_topic(node: Node, transport: str) -> tuple[type, str]:
    """Message type and topic of the images that a node of ours publishes: raw or compressed."""
    return (Image if transport == "raw" else CompressedImage), input_topic(node, transport)


def input_topic(node: Node, transport: str) -> str:
    """The topic of a node's images.

    As with image_transport, all but raw ones are where `image` is remapped to, plus the name of the
    transport: /compressed, /ffmpeg, /foxglove.
    """
    return "image" if transport == "raw" else f"{node.resolve_topic_name('image')}/{transport}"
