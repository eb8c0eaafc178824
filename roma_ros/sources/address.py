"""Addresses of streams and files on a network."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from roma_ros.sources.errors import MediaError

__all__ = ["SCHEMES", "StreamAddress", "is_address"]

SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt", "udp", "tcp")


def is_address(text: str) -> bool:
    """Return whether a text begins with a scheme, such as `rtsp://`, and so is not a path."""
    scheme, separator, _ = text.partition("://")
    return bool(separator) and scheme.isalnum()


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """Address of a stream or file that FFmpeg opens.

    `str` and `repr` hide user, password and query, for messages and logs.

    Attributes:
        text: the whole address.

    Raises:
        MediaError: the scheme is not one of SCHEMES, or there is no host.
    """

    text: str

    def __post_init__(self) -> None:
        scheme = self.text.partition("://")[0].lower()
        if scheme not in SCHEMES:
            raise MediaError(
                f"{scheme}:// addresses cannot be opened; expected one of "
                + ", ".join(f"{known}://" for known in SCHEMES)
            )
        if not self._host():
            raise MediaError(f"the address {self} names no host; expected {scheme}://HOST/PATH")

    @property
    def scheme(self) -> str:
        """Scheme of the address, in lower case."""
        return self.text.partition("://")[0].lower()

    def __str__(self) -> str:
        # Up to the last @, wherever it is: a password may hold an @ or a / that is not escaped.
        secret, _, rest = self.text.partition("://")[2].rpartition("@")
        shown, mark, _ = rest.partition("#")[0].partition("?")
        return f"{self.scheme}://{'***@' if secret else ''}{shown}{'?***' if mark else ''}"

    def __repr__(self) -> str:
        return f"StreamAddress({str(self)!r})"

    def _host(self) -> str | None:
        try:
            return urlsplit(self.text).hostname or (self.text[6:] if self.scheme == "udp" else None)
        except ValueError:  # an invalid port or bracket
            return None
