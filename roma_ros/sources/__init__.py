"""Devices, files and streams -> frames and audio chunks with stamps. No ROS, no torch."""

from roma_ros.sources.address import StreamAddress, is_address
from roma_ros.sources.assembly import units_of
from roma_ros.sources.audio_file import read_audio
from roma_ros.sources.bag import Bag, BagConfig
from roma_ros.sources.camera import Camera, CameraConfig
from roma_ros.sources.errors import CameraError, MediaError, MicrophoneError, SourceError
from roma_ros.sources.live import LiveSources
from roma_ros.sources.mailbox import Mailbox
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
    "Camera",
    "CameraConfig",
    "CameraError",
    "Item",
    "LiveSources",
    "Mailbox",
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
