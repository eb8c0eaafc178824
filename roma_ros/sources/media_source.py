"""Opening of a path or an address as a source."""

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
        loop: whether to start a recording again at its end.
        start_stamp: stamp of a recording's first item, ns; `None`: 0, or as in the bag.
        video, audio: whether to read the video, the audio; ignored for a bag.
        topics: topics of a bag to read; empty: those that it has.
        reconnect: how a lost live stream is opened again; `None`: not at all.
        clock: returns the time for the stamps of a live stream, ns.

    Returns:
        A `MediaFile`, `Bag` or `NetworkStream`.

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
