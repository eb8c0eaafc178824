"""Images, audio and video packets with all fields at random, read as the node reads them."""

from __future__ import annotations

import array
import importlib
import struct
import zlib
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from roma_ros.msg import Audio
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from values import edge_integer, mutated, random_bytes, random_message, random_text

from roma_ros.nodes.audio_input import AudioFormat, DriversAudio, PortAudio, RomaAudio
from roma_ros.nodes.conversions import CompressedImages, RawImages, VideoPackets
from roma_ros.nodes.stamps import message_stamp
from roma_ros.units import AssemblerConfig, UnitAssembler, UnitsError
from roma_ros.units.encodings import ENCODINGS, layout_of

__all__ = ["any_audio", "any_image", "audio", "images", "stream", "video"]

_OPENCV = [f"{bits}{kind}C{n}" for bits in (8, 16, 32, 64) for kind in "USF" for n in (1, 2, 3, 4)]
_FORMATS = (
    "jpeg",
    "png",
    "",
    "rgb8; jpeg compressed bgr8",
    "mono16; png compressed mono16",
    "16UC1; compressedDepth png",
    "bayer_rggb8; jpeg compressed ",
    "bayer_x; png",
    "h264",
)
_ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1"}


def _outcome(read: Callable[[], Any]) -> str:
    """What became of a case: fine, or the name of an error that is meant."""
    try:
        read()
    except UnitsError as error:
        if not 0 < len(str(error)) < 2000:
            raise ValueError("an error without a word, or of many pages") from error
        return type(error).__name__
    return "taken"


# --- images ---


def _raw_image(rng: np.random.Generator) -> Image:
    """A right image of a small size, of which some fields are then at random."""
    encoding = str(rng.choice(ENCODINGS))
    layout = layout_of(encoding)
    height, width = (2 * int(value) for value in rng.integers(1, 40, 2))
    step = layout.row_bytes(width) + int(rng.integers(0, 9)) * (rng.random() < 0.3)
    size = sum(rows * stride for _, rows, stride, _ in layout.planes(height, width, step))
    fields: dict[str, Any] = {
        "height": height,
        "width": width,
        "encoding": encoding,
        "step": step,
        "is_bigendian": int(rng.integers(2)),
        "data": array.array("B", rng.bytes(size)),
    }
    for name in map(str, rng.choice(list(fields), int(rng.integers(0, 4)))):
        if name == "encoding":
            fields[name] = str(rng.choice([*_OPENCV, *ENCODINGS]))
        elif name == "data":
            fields[name] = array.array("B", random_bytes(rng, 1_000_000))
        else:
            fields[name] = edge_integer(rng, 8 if name == "is_bigendian" else 32, False)
    return Image(header=_header(rng), **fields)


@cache
def _codings() -> list[bytes]:
    """Images in every coding that is taken, and in some that are not."""
    rng = np.random.default_rng(0)
    picture = cv2.resize(rng.integers(0, 256, (6, 8, 3), np.uint8), (96, 64))
    grey, deep = picture[..., 0], picture.astype(np.uint16) * 257
    variants: list[tuple[str, Any, list[int]]] = [
        (".jpg", picture, []),
        (".jpg", grey, []),
        (".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", picture, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
        (".jpg", cv2.resize(picture, (2100, 2000)), []),
        (".png", picture, []),
        (".png", np.dstack([picture, grey]), []),
        (".png", deep, []),
        (".png", deep[..., 0], []),
        (".webp", picture, []),
        (".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 101]),
        (".bmp", picture, []),
        (".tiff", picture, []),
        (".gif", picture, []),
    ]
    return [cv2.imencode(suffix, of, options)[1].tobytes() for suffix, of, options in variants]


def _with_size(rng: np.random.Generator, data: bytes) -> bytes:
    """A PNG whose header claims another size, with the checksum that belongs to it."""
    if not data.startswith(b"\x89PNG"):
        return data
    sizes = struct.pack(">II", *(edge_integer(rng, 32, False) for _ in range(2)))
    header = b"IHDR" + sizes + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def _compressed_image(rng: np.random.Generator) -> CompressedImage:
    codings = _codings()
    data = codings[int(rng.integers(len(codings)))]
    kind = rng.integers(6)
    if kind == 0:
        data = random_bytes(rng)
    elif kind == 1:
        data = _with_size(rng, data)
    elif kind > 2:
        data = mutated(rng, data)
    name = str(rng.choice(_FORMATS)) if rng.random() < 0.8 else random_text(rng)
    return CompressedImage(header=_header(rng), format=name, data=array.array("B", data))


def images(rng: np.random.Generator) -> str:
    """One image, decoded."""
    transport, message = any_image(rng)
    stamp = message_stamp(message)
    return _outcome(lambda: [frame.decode() for frame in transport.frames(message, stamp, None)])


def any_image(rng: np.random.Generator) -> tuple[Any, Any]:
    kind = rng.integers(8)
    if kind == 0:
        return RawImages(), random_message(rng, Image)
    if kind == 1:
        return CompressedImages(), random_message(rng, CompressedImage)
    if kind < 5:
        return RawImages(), _raw_image(rng)
    return CompressedImages(), _compressed_image(rng)


# --- audio ---


def _audio_message(rng: np.random.Generator) -> Audio:
    rate, channels = int(rng.choice([8_000, 16_000, 44_100, 192_000])), int(rng.integers(1, 9))
    bits = {"s16le": 2, "s32le": 4, "f32le": 4}
    name = str(rng.choice(list(bits)))
    count = int(rng.integers(1, 3000))
    values = (rng.normal(size=count * channels) * 10 ** float(rng.uniform(-3, 3))).astype("<f4")
    data = values.tobytes() if name == "f32le" else rng.bytes(count * channels * bits[name])
    fields: dict[str, Any] = {"sample_rate": rate, "channels": channels, "format": name}
    for field in rng.choice([*fields, "data"], int(rng.integers(0, 3))):
        if field == "sample_rate":
            fields["sample_rate"] = edge_integer(rng, 32, False)
        elif field == "channels":
            fields["channels"] = edge_integer(rng, 8, False)
        elif field == "format":
            fields["format"] = random_text(rng)
        else:
            data = mutated(rng, data)
    return Audio(header=_header(rng), data=array.array("B", data), **fields)


def _drivers_audio(rng: np.random.Generator) -> tuple[Any, Any]:
    given = AudioFormat(edge_integer(rng, 32, False), edge_integer(rng, 8, False), "s16le")
    reader = DriversAudio(SimpleNamespace, SimpleNamespace, given if rng.random() < 0.3 else None)
    if reader.format_topic is not None and rng.random() < 0.9:
        info = SimpleNamespace(
            channels=int(rng.integers(0, 10)),
            sample_rate=edge_integer(rng, 32, False),
            sample_format=str(rng.choice(["S16LE", "S32LE", "F32LE", random_text(rng)])),
            coding_format=str(rng.choice(["wave", "mp3", ""])),
        )
        reader.format_topic.callback(info)
    data = array.array("B", random_bytes(rng, 100_000))
    return reader, SimpleNamespace(audio=SimpleNamespace(data=data))


def _portaudio(rng: np.random.Generator) -> tuple[Any, Any]:
    fields = {}
    for name, letter in (("float32", "f"), ("int32", "i"), ("int16", "h"), ("int8", "b")):
        values = array.array(letter)
        data = random_bytes(rng, 20_000)
        values.frombytes(data[: len(data) // values.itemsize * values.itemsize])
        fields[f"{name}_data"] = values
    fields["uint8_data"] = array.array("B", random_bytes(rng))
    info = SimpleNamespace(
        format=int(rng.choice([1, 2, 4, 8, 16, 32, edge_integer(rng, 32, True)])),
        channels=int(rng.choice([1, 2, edge_integer(rng, 32, True)])),
        rate=int(rng.choice([16_000, 48_000, edge_integer(rng, 32, True)])),
    )
    audio_data = SimpleNamespace(**fields)
    return PortAudio(SimpleNamespace), SimpleNamespace(
        audio=SimpleNamespace(audio_data=audio_data, info=info)
    )


def any_audio(rng: np.random.Generator) -> tuple[Any, Any]:
    kind = rng.integers(6)
    if kind == 0:
        return RomaAudio(), random_message(rng, Audio)
    if kind == 1:
        return _drivers_audio(rng)
    if kind == 2:
        return _portaudio(rng)
    return RomaAudio(), _audio_message(rng)


def audio(rng: np.random.Generator) -> str:
    """One piece of audio, read."""
    reader, message = any_audio(rng)
    return _outcome(lambda: reader.chunk(message, edge_integer(rng, 63, False)).mono())


# --- streams: what one message does to those after it ---


def _header(rng: np.random.Generator) -> Header:
    if rng.random() < 0.2:
        return random_message(rng, Header)
    return Header(stamp=Time(sec=int(rng.integers(0, 10)), nanosec=int(rng.integers(10**9))))


def stream(rng: np.random.Generator) -> str:
    """Twenty messages of all kinds at random stamps, made into units."""
    assembler = UnitAssembler(AssemblerConfig())
    refused, units = 0, 0
    for _ in range(20):
        seconds = float(rng.uniform(0, 6)) if rng.random() < 0.9 else float(rng.uniform(0, 1e9))
        stamp = int(seconds * 1e9) if rng.random() < 0.95 else edge_integer(rng, 64, True)
        try:
            if rng.random() < 0.5:
                transport, message = any_image(rng)
                for frame in transport.frames(message, stamp, None):
                    assembler.add(frame)
            else:
                reader, message = any_audio(rng)
                assembler.add(reader.chunk(message, stamp))
        except UnitsError:
            refused += 1
        units += len(assembler.units())
    units += len(assembler.flush())
    return f"units: {'some' if units else 'none'}, refused: {'some' if refused else 'none'}"


# --- video packets ---


@cache
def _packets(codec: str) -> list[bytes]:
    encoder = importlib.import_module("video_encoder")  # of test/sources
    return [packet.data for packet in encoder.encoded(_ENCODERS[codec])]


def video(rng: np.random.Generator) -> str:
    """A dozen packets of one stream, some of them damaged, lost, or of another stream."""
    reader = VideoPackets(SimpleNamespace)
    codec = str(rng.choice(list(_ENCODERS)))
    shown = 0
    for number, data in enumerate(_packets(codec)[:12]):
        name, payload = codec, data
        if rng.random() < 0.3:
            payload = mutated(rng, data) if rng.random() < 0.8 else random_bytes(rng)
        if rng.random() < 0.05:
            name = str(rng.choice([*_ENCODERS, random_text(rng)]))
        sequence = number + 1 if rng.random() < 0.95 else edge_integer(rng, 64, False)
        message = SimpleNamespace(encoding=name, data=array.array("B", payload))
        try:
            frames = reader.frames(message, number, sequence)
            shown += len([frame.decode() for frame in frames])
        except UnitsError:
            continue
    return "pictures: some" if shown else "pictures: none"
