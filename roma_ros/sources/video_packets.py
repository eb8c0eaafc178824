"""Decoding of video packets, as the image_transport plugins ffmpeg and foxglove send them."""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np

from roma_ros.sources.media_frame import MediaFrame
from roma_ros.units import ImageError
from roma_ros.units.frame import MAX_COMPRESSED_BYTES, Buffer, as_bytes

__all__ = ["CODECS", "KeyFrameError", "PacketDecoder", "codec_of"]

MAX_VIDEO_PIXELS = 4096 * 2176
"""Largest frames, pixels; the decoder keeps up to 16 of them."""
MAX_DELAY = 64
"""Most packets without a frame so far; with B-frames there are some."""


class KeyFrameError(ImageError):
    """Raised for a packet that cannot be decoded before the next key frame arrives."""


def _nal_types(data: bytes, kind_of: Callable[[int], int]) -> set[int]:
    """Return the NAL unit types of H.264 or H.265 data (Annex B)."""
    kinds, at = set(), data.find(b"\0\0\1")
    while 0 <= at < len(data) - 3:
        kinds.add(kind_of(data[at + 3]))
        at = data.find(b"\0\0\1", at + 3)
    return kinds


def _h264_begins(data: bytes) -> bool:
    """Return whether there is an IDR picture or parameter sets, also of a recovery point."""
    return bool(_nal_types(data, lambda byte: byte & 0x1F) & {5, 7})


def _h265_begins(data: bytes) -> bool:
    """Return whether there is an IRAP picture, or parameter sets before one."""
    return bool(_nal_types(data, lambda byte: byte >> 1 & 0x3F) & {*range(16, 22), 32, 33})


def _av1_begins(data: bytes) -> bool:
    """Return whether a sequence header is among the first two units, maybe after a delimiter."""
    at = 0
    for _ in range(2):
        if at + 2 >= len(data):
            return False
        kind, extended, sized = data[at] >> 3 & 15, data[at] >> 2 & 1, data[at] >> 1 & 1
        if kind == 1:
            return True
        if kind != 2 or not sized:
            return False
        at += 2 + extended + data[at + 1 + extended]
    return False


def _vp9_begins(data: bytes) -> bool:
    """Return whether the frame header is that of a key frame."""
    # Two bits of marker, two of profile (3 has one more), show-existing, then the type: 0.
    if not data or data[0] >> 6 != 2:
        return False
    last_two = data[0] >> (1 if data[0] >> 4 & 3 == 3 else 2) & 3
    return last_two == 0


CODECS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "h264": ("h264", _h264_begins),
    "hevc": ("hevc", _h265_begins),
    "av1": ("libdav1d", _av1_begins),
    "vp9": ("vp9", _vp9_begins),
}
"""Decoder, and whether a packet begins with a key frame, by FFmpeg's name of the codec."""
_NAMES = {"264": "h264", "avc": "h264", "265": "hevc", "hevc": "hevc", "av1": "av1", "vp9": "vp9"}


def codec_of(name: str) -> str:
    """Return FFmpeg's name of a codec, from that of a codec or an encoder (h265, libx264, ...).

    Raises:
        ImageError: it is none of CODECS.
    """
    lowered = name.lower()
    codec = next((codec for part, codec in _NAMES.items() if part in lowered), None)
    if codec is None:
        raise ImageError(
            f"the video is coded as {name[:40]!r}; expected one of {', '.join(CODECS)}"
        )
    return codec


class PacketDecoder:
    """Decoder of the packets of one video stream, in their order.

    It starts at a key frame. After lost or damaged packets it waits for the next one, since all
    frames up to there would be wrong.
    """

    def __init__(self) -> None:
        self._codec = ""
        self._decoder: av.VideoCodecContext | None = None
        self._stamps: dict[int, int] = {}  # by the packet's number
        self._number = 0
        self._skipped = 0  # packets skipped so far before a key frame
        self._why = "the stream was joined between two key frames"

    def decode(
        self, codec: str, data: Buffer, stamp: int, *, lost: bool = False
    ) -> list[MediaFrame]:
        """Decode a packet, and return the frames that it completes: with B-frames none or several.

        Args:
            codec: one of CODECS; a change begins a new stream.
            data: the packet; H.264 and H.265 with start codes (Annex B).
            stamp: stamp of the packet's frame, ns.
            lost: whether packets before this one are missing.

        Raises:
            KeyFrameError: the packet is skipped until a key frame arrives.
            ImageError: the packet cannot be decoded.
        """
        packet = as_bytes(data)
        if not 0 < packet.size <= MAX_COMPRESSED_BYTES:
            raise ImageError(
                f"the packet has {packet.size:,} bytes; expected 1 to {MAX_COMPRESSED_BYTES:,}"
            )
        if codec != self._codec:
            self._codec = codec
            self._stop("the stream was joined between two key frames")
        elif lost:
            self._stop("packets were lost")
        if self._decoder is None:
            self._decoder = self._begin(packet)
        return self._decode(self._decoder, packet, stamp)

    def _begin(self, packet: np.ndarray) -> av.VideoCodecContext:
        name, begins = CODECS[self._codec]
        data = packet.tobytes()
        if self._codec in ("h264", "hevc") and not data.startswith((b"\0\0\1", b"\0\0\0\1")):
            raise ImageError(
                f"the packet of {self._codec} has no start codes; expected Annex B; let the "
                "encoder write no global header"
            )
        if not begins(data):
            self._skipped += 1
            raise KeyFrameError(
                f"{self._why}: {self._skipped} packets of {self._codec} skipped up to the next key "
                "frame; a shorter distance of key frames (gop_size) makes this shorter"
            )
        self._skipped = 0
        decoder = av.CodecContext.create(name, "r")
        assert isinstance(decoder, av.VideoCodecContext)
        decoder.thread_count = 1  # threads would delay frames
        decoder.options = {"max_pixels": str(MAX_VIDEO_PIXELS)}
        return decoder

    def _decode(
        self, decoder: av.VideoCodecContext, data: np.ndarray, stamp: int
    ) -> list[MediaFrame]:
        packet = av.Packet(data.tobytes())
        packet.pts = self._number
        self._stamps[self._number] = stamp
        self._number += 1
        try:
            pictures = decoder.decode(packet)
        except (av.FFmpegError, ValueError) as error:
            codec = self._codec
            self._stop("a packet could not be decoded")
            raise ImageError(f"a packet of {codec} cannot be decoded: {error}") from error
        if any(picture.is_corrupt for picture in pictures):
            self._stop("a packet was damaged")
            raise ImageError(f"a packet of {self._codec} is damaged")
        if len(self._stamps) > MAX_DELAY:
            self._stop(f"{MAX_DELAY} packets gave no frame")
            raise ImageError(f"{MAX_DELAY} packets of {self._codec} gave no frame")
        return [
            MediaFrame(self._stamps.pop(picture.pts), picture)
            for picture in pictures
            if picture.pts in self._stamps
        ]

    def _stop(self, why: str) -> None:
        """Drop the decoder, and wait for the next key frame."""
        self._decoder = None
        self._stamps.clear()
        self._skipped, self._why = 0, why
