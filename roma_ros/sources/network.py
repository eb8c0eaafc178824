"""Opening of streams and files on a network, by PyAV (FFmpeg)."""

from __future__ import annotations

import errno

import av
from av.container import InputContainer

from roma_ros.sources.address import StreamAddress
from roma_ros.sources.errors import MediaError

__all__ = ["LIVE_OPTIONS", "is_finite", "network_reason", "open_address"]

# A live stream is probed for at most 2 s (in us); if it is lost, the source opens it again.
LIVE_OPTIONS = {"analyzeduration": "2000000", "fpsprobesize": "0"}

# Protocols that FFmpeg may use for an address, such as for the parts of a playlist: no local file.
NETWORK_PROTOCOLS = "crypto,data,hls,http,https,httpproxy,rtmp,rtmps,rtp,rtsp,srt,tcp,tls,udp"
# Seconds without data: while opening, of a live stream, and of a file.
OPEN_SECONDS, LIVE_SECONDS, FILE_SECONDS = 10.0, 3.0, 20.0
TEXT_FORMATS = {
    "tty",
    "ass",
    "srt",
    "webvtt",
}  # FFmpeg decodes a page of text as a video of it
PLAYLISTS = {"hls", "dash"}  # their duration is that of the list
NO_MEDIA = "{address} is neither video nor audio; is the path of the address right?"
# Of HTTP: a transfer that breaks off is resumed after 1, 3, 7, ... seconds.
RESUMED = {"reconnect": "1", "reconnect_on_network_error": "1", "reconnect_delay_max": "8"}


def open_address(address: StreamAddress, options: dict[str, str] | None = None) -> InputContainer:
    """Open a stream or a file on a network for reading.

    Args:
        address: of the stream or file.
        options: FFmpeg's options for a live stream; `None`: it is a file, read with resumption.

    Raises:
        MediaError: it cannot be reached, or is neither video nor audio; the message says why.
    """
    chosen = {"protocol_whitelist": NETWORK_PROTOCOLS}
    if address.scheme in ("http", "https"):
        chosen |= RESUMED if options is None else options
    elif address.scheme in ("rtsp", "rtsps"):
        chosen |= {"rtsp_transport": "tcp"} | (options or {})
    try:
        container = av.open(
            address.text,
            options=chosen,
            timeout=(OPEN_SECONDS, FILE_SECONDS if options is None else LIVE_SECONDS),
            metadata_errors="replace",
        )
    except av.InvalidDataError as error:
        raise MediaError(NO_MEDIA.format(address=address)) from error
    except (OSError, av.FFmpegError, ValueError) as error:
        raise MediaError(f"{address} cannot be opened: {network_reason(error)}") from error
    if container.format.name in TEXT_FORMATS:  # such as a login page
        container.close()
        raise MediaError(NO_MEDIA.format(address=address))
    return container


def is_finite(container: InputContainer) -> bool:
    """Return whether it is a file, with a length or a duration, rather than a live stream."""
    if container.duration and container.duration > 0:
        return True
    return container.size > 0 and container.format.name not in PLAYLISTS


def network_reason(error: Exception) -> str:
    """Return the reason of an error and its remedy, without any part of the address."""
    for kind, words in NETWORK_REASONS.items():
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError) and error.errno == errno.EIO:  # also for a name without a host
        return "it cannot be reached; are the host's name and the network all right?"
    return getattr(error, "strerror", None) or type(error).__name__


NETWORK_REASONS: dict[type[Exception], str] = {
    av.HTTPUnauthorizedError: "it asks for a user and a password (401); give them as "
    "rtsp://USER:PASSWORD@HOST/PATH, with %XX for special characters",
    av.HTTPForbiddenError: "it refuses this user (403)",
    av.HTTPNotFoundError: "there is no such path on the host (404)",
    av.HTTPClientError: "the host refuses the request (4xx)",
    av.HTTPServerError: "the host has an error of its own (5xx)",
    av.ExitError: "no answer in time; is the host on, and is this its port?",
    av.TimeoutError: "no answer in time; is the host on, and is this its port?",
    av.ConnectionRefusedError: "the connection is refused; is the host on, and is this its port?",
    av.ConnectionResetError: "the connection was reset",
    av.ProtocolNotFoundError: "this build of FFmpeg has no such protocol",
}
