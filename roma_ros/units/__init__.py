"""Assembly of frames and audio chunks into one-second units, by their stamps.

Neither torch nor ROS is needed. `UnitAssembler` takes `Frame`s and `AudioChunk`s and returns
`MultimodalUnit`s: two frames (2, H, W, 3) uint8 RGB, and 16,000 samples of mono audio at 16 kHz.
Stamps are whole nanoseconds (ns) on the sensors' clock.
"""

from roma_ros.units.assembler import UnitAssembler
from roma_ros.units.audio import AudioChunk
from roma_ros.units.clock_alignment import SensorClockStatus
from roma_ros.units.config import CLOCK_ALIGNMENTS, MAX_LATENESS, AssemblerConfig
from roma_ros.units.errors import (
    AssemblerConfigError,
    AudioError,
    ImageError,
    ModalityError,
    StampError,
    UnitError,
    UnitsError,
)
from roma_ros.units.frame import CompressedFrame, Frame, RawFrame, RgbFrame
from roma_ros.units.item import Item
from roma_ros.units.stats import AssemblerStats
from roma_ros.units.stream_clock import Modality
from roma_ros.units.unit import FRAMES_PER_UNIT, NS_PER_SECOND, UNIT_RATE, MultimodalUnit, VideoFill

__all__ = [
    "CLOCK_ALIGNMENTS",
    "FRAMES_PER_UNIT",
    "MAX_LATENESS",
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
    "Item",
    "Modality",
    "ModalityError",
    "MultimodalUnit",
    "RawFrame",
    "RgbFrame",
    "SensorClockStatus",
    "StampError",
    "UnitAssembler",
    "UnitError",
    "UnitsError",
    "VideoFill",
]
