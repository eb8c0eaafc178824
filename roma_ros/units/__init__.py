"""Stamps and signals in, one-second units out. Needs neither torch nor ROS."""

from .assembler import UnitAssembler
from .audio import AudioChunk
from .config import AssemblerConfig
from .errors import (
    AssemblerConfigError,
    AudioError,
    ImageError,
    ModalityError,
    StampError,
    UnitError,
    UnitsError,
)
from .frame import CompressedFrame, Frame, RawFrame, RgbFrame
from .stats import AssemblerStats
from .stream_clock import Modality
from .unit import FRAMES_PER_UNIT, NS_PER_SECOND, UNIT_RATE, MultimodalUnit, VideoFill

__all__ = [
    "FRAMES_PER_UNIT",
    "NS_PER_SECOND",
    "UNIT_RATE",
    "AssemblerConfig",
    "AssemblerConfigError",
    "AssemblerStats",
    "AudioChunk",
    "AudioError",
    "CompressedFrame",
    "Frame",
    "ImageError",
    "Modality",
    "ModalityError",
    "MultimodalUnit",
    "RawFrame",
    "RgbFrame",
    "StampError",
    "UnitAssembler",
    "UnitError",
    "UnitsError",
    "VideoFill",
]
