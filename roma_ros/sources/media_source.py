"""A path or an address -> the source that plays it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from roma_ros.sources.address import StreamAddress, is_address
from roma_ros.sources.bag import Bag, BagConfig, is_bag
from roma_ros.sources.errors import MediaError
from roma_ros.sources.media_file import MediaFile, MediaFileConfig
from roma_ros.sources.media_info import MediaInfo
from roma_ros.sources.network import LIVE_OPTIONS, is_finite, open_address
from roma_ros.sources.network_stream import NetworkStream, NetworkStreamConfig
from roma_ros.sources.reconnect import Reconnect
from roma_ros.sources.source import Source

__all__ = ["open_media"]


def open_media(
    location: str,
    *,
    loop: bool = False,
    start_stamp: int | None = None,
    video: bool = True,
    audio: bool = True,
    topics: Sequence[str] = (),
    reconnect: Reconnect | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> Source:
    """Open a file, a folder of files, a ROS 2 bag, or a stream or file on a network.

    Args:
        location: a path, or an address such as rtsp://HOST/PATH; a path may begin with file://.
        loop: of a recording: begin again at its end.
        start_stamp: of a recording: stamp of the first item, ns; `None`: 0, or as a bag has it.
        video, audio: `False` leaves out the picture, or the sound; not of a bag.
        topics: of a bag: which to play; empty: those that it has.
        reconnect: of a live stream: how it is opened again when it was lost.
        clock: of a live stream: gives the stamps, ns.

    Raises:
        SourceError: it cannot be opened; the message says why.
    """
    if location.startswith("file://"):
        location = location.removeprefix("file://")
    path = Path(location).expanduser()
    if not is_address(location) and is_bag(path):
        bag = BagConfig(path=path, topics=topics, loop=loop, start_stamp=start_stamp)
        return Bag(bag)
    if topics:
        raise MediaError(f"{location} is no ROS 2 bag and has no topics")
    if not is_address(location):
        return MediaFile(
            MediaFileConfig(
                path=path, loop=loop, start_stamp=start_stamp or 0, video=video, audio=audio
            )
        )
    address = StreamAddress(location)
    container = open_address(address, LIVE_OPTIONS)
    if not is_finite(container):
        config = NetworkStreamConfig(address=address, video=video, audio=audio, reconnect=reconnect)
        return NetworkStream(config, clock=clock, container=container)
    with container:
        info = MediaInfo.of_container(address, container)
    file = MediaFileConfig(
        path=address, loop=loop, start_stamp=start_stamp or 0, video=video, audio=audio
    )
    return MediaFile(file, info=info)
