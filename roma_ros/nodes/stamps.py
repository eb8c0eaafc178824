"""Conversion between ROS time and stamps in ns."""

from typing import Any

from builtin_interfaces.msg import Time

__all__ = ["message_stamp", "stamp_of", "time_of"]

NS = 1_000_000_000


def stamp_of(time: Time) -> int:
    """ns."""
    return int(time.sec) * NS + int(time.nanosec)


def message_stamp(message: Any) -> int:
    """The stamp of a message: of its header, or its `timestamp`; 0 if it has neither. ns."""
    header = getattr(message, "header", None)
    time = getattr(message, "timestamp", None) if header is None else header.stamp
    return 0 if time is None else stamp_of(time)


def time_of(stamp: int) -> Time:
    """The ROS message of a stamp in ns."""
    seconds, nanoseconds = divmod(stamp, NS)
    return Time(sec=seconds, nanosec=nanoseconds)
