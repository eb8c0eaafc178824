"""Conversions between ROS time and stamps, and stamps for audio that has none."""

from dataclasses import replace
from typing import Any

from builtin_interfaces.msg import Time

from roma_ros.sources.sample_clock import SampleClock
from roma_ros.units import AudioChunk

__all__ = ["ARRIVAL_TOLERANCE", "message_stamp", "stamp_by_arrival", "stamp_of", "time_of"]

NS = 1_000_000_000
ARRIVAL_TOLERANCE = 100_000_000  # ns; more is a pause of the microphone, not the network's jitter


def stamp_of(time: Time) -> int:
    """Convert a ROS time to a stamp in ns."""
    return int(time.sec) * NS + int(time.nanosec)


def message_stamp(message: Any) -> int:
    """Return the stamp of a message's header or `timestamp`, ns; 0 if it has neither."""
    header = getattr(message, "header", None)
    time = getattr(message, "timestamp", None) if header is None else header.stamp
    return 0 if time is None else stamp_of(time)


def time_of(stamp: int) -> Time:
    """Convert a stamp in ns to a ROS time."""
    seconds, nanoseconds = divmod(stamp, NS)
    return Time(sec=seconds, nanosec=nanoseconds)


def stamp_by_arrival(chunk: AudioChunk, received: int, clock: SampleClock) -> AudioChunk:
    """Return an audio chunk with a stamp, for a driver that gives none.

    Arrival times jitter with the network; `clock` counts samples, so that consecutive chunks meet.

    Args:
        chunk: audio, whose own stamp is ignored.
        received: time of arrival, ns, which is about when the chunk ended.
        clock: of the chunk's sample rate; the same one for all chunks of a topic.
    """
    begin = received - round(chunk.duration * NS)
    return replace(chunk, stamp=clock.stamp(len(chunk.samples), measured=begin))
