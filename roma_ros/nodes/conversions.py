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
"""Transports that the nodes of this package publish."""
IMAGE_TRANSPORTS = (*OUTPUT_TRANSPORTS, "ffmpeg", "foxglove")
"""Transports that the roma node reads, named as the plugins of the package image_transport."""

UNKNOWN_SEQUENCE = (None, 0, 2**64 - 1)
"""Sequence numbers of messages from middlewares that do not number them."""


KEPT_BYTES = 24 * 1024 * 1024
"""Raw images of more bytes are reduced in size on arrival: a dozen may be queued for a unit."""


def raw_frame(message: Image, stamp: int) -> RawFrame:
    """Wrap an Image message as a frame; nothing is copied or decoded."""
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
    """Wrap a CompressedImage message as a frame; nothing is copied or decoded.

    Args:
        message: the message.
        stamp: stamp of the frame, ns.
        max_pixels: larger images that cannot be decoded at a reduced size are refused.
    """
    data = memoryview(message.data)
    return CompressedFrame(stamp=stamp, format=message.format, data=data, max_pixels=max_pixels)


def image_message(frame: Frame, frame_id: str) -> Image:
    """Convert a frame to an rgb8 Image.

    Raises:
        ImageError: the frame cannot be decoded.
    """
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
    """Convert a frame to a JPEG CompressedImage.

    Raises:
        ImageError: the frame cannot be decoded or encoded.
    """
    bgr = cv2.cvtColor(frame.decode(), cv2.COLOR_RGB2BGR)
    done, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise ImageError(f"a frame of {bgr.shape[1]}x{bgr.shape[0]} cannot be encoded as JPEG")
    return CompressedImage(
        header=header_message(frame.stamp, frame_id), format="jpeg", data=_bytes(jpeg)
    )


def audio_message(chunk: AudioChunk, frame_id: str) -> messages.Audio:
    """Convert an audio chunk to a message of 32-bit floats."""
    return messages.Audio(
        header=header_message(chunk.stamp, frame_id),
        sample_rate=chunk.rate,
        channels=chunk.samples.shape[1],
        format="f32le",
        data=_bytes(np.ascontiguousarray(chunk.samples, dtype="<f4")),
    )


def alert_message(event: Alert, sequence: int = 0, frame_id: str = "") -> messages.Alert:
    """Convert an alert; `sequence` is its number in the journal, 0 without a journal."""
    return messages.Alert(sequence=sequence, **_common_fields(event, frame_id))


def narration_message(
    event: Narration, sequence: int = 0, frame_id: str = ""
) -> messages.Narration:
    """Convert a narration; `sequence` is its number in the journal, 0 without a journal."""
    return messages.Narration(sequence=sequence, **_common_fields(event, frame_id))


def speak_probability_message(
    event: SpeakProbability, frame_id: str = ""
) -> messages.SpeakProbability:
    """Convert the p(speak) of one unit and watch."""
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
    """Return `WATCH: TEXT` as a string message; without a text, `WATCH: INSTRUCTION`."""
    return String(data=f"{event.watch}: {event.text or event.instruction}")


def _common_fields(event: Alert | Narration, frame_id: str) -> dict[str, object]:
    """Return the fields that both types of message have."""
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
    """Return a message header.

    Args:
        stamp: stamp, ns.
        frame_id: name of the coordinate frame.
    """
    return Header(stamp=time_of(stamp), frame_id=frame_id)


def _bytes(values: np.ndarray) -> array.array[int]:
    """Return an array's bytes in the type that rclpy does not check element by element."""
    data = array.array("B")
    data.frombytes(values.view(np.uint8).data.cast("B"))
    return data


# --- image transports ---


class ImageTransportError(ValueError):
    """Raised when the parameter image_transport names messages that are not installed."""


class ImageInput(Protocol):
    """Reader of one type of image message."""

    @property
    def message_type(self) -> type:
        """Type of the messages to subscribe to."""

    def frames(self, message: Any, stamp: int, sequence: int | None) -> Sequence[Frame]:
        """Return the frames that a message completes.

        Args:
            message: the message.
            stamp: stamp of the message, ns.
            sequence: number that the publisher gave the message; `None`: not known.

        Raises:
            ImageError: the message cannot be decoded.
        """


class RawImages:
    """Reader of sensor_msgs/Image."""

    message_type = Image

    def frames(self, message: Image, stamp: int, _sequence: int | None) -> Sequence[Frame]:
        frame = raw_frame(message, stamp)
        if len(message.data) <= KEPT_BYTES:
            return [frame]
        return [RgbFrame(stamp, frame.decode())]


@dataclass(frozen=True, slots=True)
class CompressedImages:
    """Reader of sensor_msgs/CompressedImage.

    Attributes:
        max_pixels: larger images that cannot be decoded at a reduced size are refused.
    """

    max_pixels: int = DEFAULT_DECODED_PIXELS
    message_type: type = CompressedImage

    def frames(
        self, message: CompressedImage, stamp: int, _sequence: int | None
    ) -> Sequence[Frame]:
        return [compressed_frame(message, stamp, self.max_pixels)]


class VideoPackets:
    """Reader of ffmpeg_image_transport_msgs/FFMPEGPacket and foxglove_msgs/CompressedVideo.

    The decoder is stateful: read all messages of a topic in order, from one thread.
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
    """Create the reader of a transport's messages.

    Args:
        transport: one of IMAGE_TRANSPORTS.
        max_pixels: larger compressed images that cannot be decoded at a reduced size are refused.

    Raises:
        ImageTransportError: the message package is not installed.
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
    """Return message type and topic of the images that a node publishes: raw or compressed."""
    return (Image if transport == "raw" else CompressedImage), input_topic(node, transport)


def input_topic(node: Node, transport: str) -> str:
    """Return the topic of a node's images.

    As with image_transport, the topics of all transports but raw are the remapped `image` followed
    by the name of the transport: /compressed, /ffmpeg, /foxglove.
    """
    return "image" if transport == "raw" else f"{node.resolve_topic_name('image')}/{transport}"
