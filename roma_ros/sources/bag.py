"""ROS 2 bags (mcap and sqlite3) as a source, by the package rosbags; no ROS is needed."""

from __future__ import annotations

import heapq
import logging
import statistics
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count, islice
from pathlib import Path
from typing import Any, ClassVar

from roma_ros.sources.bag_messages import ROMA_AUDIO, BagMessageError, reader_of
from roma_ros.sources.bag_topics import BagTopic, choose_topics
from roma_ros.sources.errors import MediaError
from roma_ros.sources.source import Item, Source
from roma_ros.units import UnitsError
from roma_ros.units.item import end_of

__all__ = ["Bag", "BagConfig", "is_bag"]

LOG = logging.getLogger(__name__)
NS = 1_000_000_000
SUFFIXES = {".mcap", ".db3"}
SAMPLED = 50  # messages of each topic by which its stamps are compared with the recording
APART = NS // 2  # ns; topics whose stamps differ by more do not share a clock
SORTED_OVER, MAX_SORTED = NS // 2, 256  # items are sorted within so many ns, and so many items


def is_bag(path: Path) -> bool:
    """Return whether a path is a bag: a folder with a metadata.yaml, or one of its files."""
    if path.is_dir():
        return (path / "metadata.yaml").is_file()
    return path.suffix.lower() in SUFFIXES


@dataclass(frozen=True, slots=True, kw_only=True)
class BagConfig:
    """Settings of a `Bag`.

    Attributes:
        path: the bag's folder, or one .mcap or .db3 file.
        topics: names of an image topic, an audio topic, or one of each; empty: those that the bag
            has.
        loop: whether to start again at the end; stamps continue.
        start_stamp: stamp of the first item, ns; `None`: stamps as in the headers.
    """

    path: str | Path
    topics: Sequence[str] = ()
    loop: bool = False
    start_stamp: int | None = None


class Bag(Source):
    """Images and audio of a ROS 2 bag, with the stamps of their headers, without pauses.

    Topics whose stamps do not share a clock, by their times of recording, get stamps of the
    recording's clock, with a logged warning; so does a topic whose stamps were never set.

    Args:
        config: settings.

    Attributes:
        config: as given.
        topics: the topics that are read.

    Raises:
        MediaError: the package rosbags is missing, the bag cannot be read, or has no such topics.
    """

    live: ClassVar[bool] = False

    def __init__(self, config: BagConfig) -> None:
        self.config = config
        self._closing = threading.Event()
        self._damaged = 0
        with self._opened() as bag:
            found = [BagTopic(c.topic, c.msgtype, c.msgcount) for c in bag.connections]
            self.topics = choose_topics(found, config.topics, str(config.path))
            self._shifts = self._measure(bag)

    @property
    def name(self) -> str:
        return str(self.config.path)

    @property
    def has_video(self) -> bool:
        return any(topic.is_image for topic in self.topics)

    @property
    def has_audio(self) -> bool:
        return any(topic.is_audio for topic in self.topics)

    @property
    def damaged(self) -> int:
        return self._damaged

    def __iter__(self) -> Iterator[Item]:
        """Yield frames and chunks in the order of their stamps.

        Raises:
            MediaError: the bag was removed, or not one message of it can be read.
        """
        begin = self.config.start_stamp
        while not self._closing.is_set():
            end: int | None = None
            shift: int | None = None
            for item in _sorted(self._items()):
                if self._closing.is_set():
                    return
                if shift is None:
                    shift = 0 if begin is None else begin - item.stamp
                item = replace(item, stamp=item.stamp + shift) if shift else item  # type: ignore[type-var]
                end = max(end or 0, end_of(item))
                yield item
            if end is None:
                raise MediaError(f"{self.name}: not one message of its topics can be read")
            if not self.config.loop:
                break
            begin = end
        if self._damaged:
            LOG.warning("%s: %d messages could not be read", self.name, self._damaged)

    def close(self) -> None:
        self._closing.set()

    def _items(self) -> Iterator[Item]:
        """Yield items in the order of their recording."""
        names = {topic.name for topic in self.topics}
        readers = {topic.name: reader_of(topic.type) for topic in self.topics}
        self._damaged = 0
        with self._opened() as bag:
            connections = [c for c in bag.connections if c.topic in names or _announces_format(c)]
            for connection, recorded, data in bag.messages(connections=connections):
                try:
                    message = bag.deserialize(data, connection.msgtype)
                    if connection.topic not in names:
                        for reader in readers.values():
                            reader.learn_format(message)
                        continue
                    reader = readers[connection.topic]
                    stamp = self._stamp(connection.topic, reader.stamp(message), recorded)
                    yield reader.read(message, stamp)
                except BagMessageError as error:
                    raise MediaError(f"{self.name}: topic {connection.topic}: {error}") from error
                except UnitsError as error:
                    self._count(connection.topic, error)
                except Exception as error:  # rosbags raises errors of many kinds
                    self._count(connection.topic, error)

    def _count(self, topic: str, error: Exception) -> None:
        if self._damaged == 0:
            words = str(error) or type(error).__name__
            LOG.warning("%s: a message of %s cannot be read: %s", self.name, topic, words)
        self._damaged += 1

    def _stamp(self, topic: str, header: int | None, recorded: int) -> int:
        shift = self._shifts[topic]
        return recorded if shift is None or header is None else header + shift

    def _measure(self, bag: Any) -> dict[str, int | None]:
        """Return the offset of each topic's stamps, ns; `None`: use the times of recording."""
        lags: dict[str, float | None] = {}
        for topic in self.topics:
            reader = reader_of(topic.type)
            own = [c for c in bag.connections if c.topic == topic.name]
            lag = []
            for connection, recorded, data in islice(bag.messages(connections=own), SAMPLED):
                try:
                    header = reader.stamp(bag.deserialize(data, connection.msgtype))
                except Exception:  # a damaged message; counted later
                    continue
                if header:
                    lag.append(recorded - header)
            lags[topic.name] = statistics.median(lag) if lag else None
            if not lag and topic.count:
                LOG.warning(
                    "%s: topic %s has no stamps; the times of recording are used",
                    self.name,
                    topic.name,
                )
        known = [lag for lag in lags.values() if lag is not None]
        is_shared = len(known) == len(lags) and max(known) - min(known) <= APART
        if is_shared:
            return dict.fromkeys(lags, 0)
        if len(known) > 1:
            LOG.warning(
                "%s: the stamps of its topics are %.3f s apart; they are aligned by the times of "
                "recording",
                self.name,
                (max(known) - min(known)) / NS,
            )
        return {name: None if lag is None else round(lag) for name, lag in lags.items()}

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Open the bag for reading.

        Raises:
            MediaError: it cannot be opened, or the package rosbags is missing.
        """
        try:
            from rosbags.highlevel import AnyReader
            from rosbags.typesys import Stores, get_types_from_msg, get_typestore
        except ImportError as error:
            raise MediaError(
                f"{self.config.path} is a ROS 2 bag, and reading it needs the package rosbags; "
                'install it: pip install "roma_ros[bags]"'
            ) from error
        # For bags that hold no definitions of their messages, as those of Humble.
        types = get_typestore(Stores.ROS2_HUMBLE)
        types.register(get_types_from_msg(ROMA_AUDIO, "roma_ros/msg/Audio"))
        try:
            bag = AnyReader([Path(self.config.path)], default_typestore=types)
            bag.open()
        except Exception as error:  # rosbags raises errors of many kinds
            raise MediaError(
                f"{self.config.path} cannot be read as a ROS 2 bag: {error or type(error).__name__}"
                "; if its recording was cut off, `ros2 bag reindex` or `mcap recover` may repair it"
            ) from error
        try:
            yield bag
        finally:
            bag.close()


def _announces_format(connection: Any) -> bool:
    return bool(connection.msgtype == "audio_common_msgs/msg/AudioInfo")


def _sorted(items: Iterator[Item]) -> Iterator[Item]:
    """Sort items by stamp, as far as they are out of order by less than 0.5 s."""
    numbers = count()  # keeps the order of equal stamps
    waiting: list[tuple[int, int, Item]] = []
    newest = 0
    for item in items:
        heapq.heappush(waiting, (item.stamp, next(numbers), item))
        newest = max(newest, item.stamp)
        while waiting[0][0] < newest - SORTED_OVER or len(waiting) > MAX_SORTED:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]
