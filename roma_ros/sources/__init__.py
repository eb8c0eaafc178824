"""Sources of frames and audio chunks: cameras, microphones, files, ROS 2 bags, network streams.

Neither ROS nor torch is needed. Iterate over a `Source` for its items, or over `units_of(source)`
for units of one second; `open_media` opens a path or an address. Frames decode to (H, W, 3) uint8
RGB; audio chunks hold float32 (n, channels) of full scale 1.0. Stamps are in ns.
"""

from roma_ros.sources.address import StreamAddress, is_address
from roma_ros.sources.assembly import units_of
from roma_ros.sources.audio_file import read_audio
from roma_ros.sources.bag import Bag, BagConfig
from roma_ros.sources.bounded_queue import BoundedQueue
from roma_ros.sources.camera import Camera, CameraConfig
from roma_ros.sources.errors import CameraError, MediaError, MicrophoneError, SourceError
from roma_ros.sources.live import LiveSources
from roma_ros.sources.media_file import MediaFile, MediaFileConfig
from roma_ros.sources.media_frame import MediaFrame
from roma_ros.sources.media_source import open_media
from roma_ros.sources.microphone import Microphone, MicrophoneConfig
from roma_ros.sources.network_stream import NetworkStream, NetworkStreamConfig
from roma_ros.sources.pacing import paced
from roma_ros.sources.playlist import Playlist
from roma_ros.sources.reconnect import Reconnect
from roma_ros.sources.source import Item, Source

__all__ = [
    "Bag",
    "BagConfig",
    "BoundedQueue",
    "Camera",
    "CameraConfig",
    "CameraError",
    "Item",
    "LiveSources",
    "MediaError",
    "MediaFile",
    "MediaFileConfig",
    "MediaFrame",
    "Microphone",
    "MicrophoneConfig",
    "MicrophoneError",
    "NetworkStream",
    "NetworkStreamConfig",
    "Playlist",
    "Reconnect",
    "Source",
    "SourceError",
    "StreamAddress",
    "is_address",
    "open_media",
    "paced",
    "read_audio",
    "units_of",
]
