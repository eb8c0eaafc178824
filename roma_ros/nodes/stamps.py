"""Between ROS time and stamps, and what to do where a driver gives none."""

from typing import Any

from builtin_interfaces.msg import Time

__all__ = ["AudioCountedOn", "message_stamp", "stamp_of", "time_of"]

NS = 1_000_000_000
MAX_DRIFT = 100_000_000  # ns; more is a pause of the microphone, not the network's jitter


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


class AudioCountedOn:
    """Stamps for audio that comes without: counted on by samples from its first arrival.

    Arrival times alone would tear the sound apart by the network's jitter.
    """

    def __init__(self) -> None:
        self._next: int | None = None

    def stamp(self, received: int, duration: float) -> int:
        """Stamp of the first sample, ns.

        Args:
            received: when the piece of audio came in, which is about when it ended, ns.
            duration: seconds.
        """
        length = round(duration * NS)
        begin = received - length
        if self._next is not None and abs(self._next - begin) <= MAX_DRIFT:
            begin = self._next
        self._next = begin + length
        return begin
