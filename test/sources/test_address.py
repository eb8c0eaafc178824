"""StreamAddress: what is shown of it."""

from __future__ import annotations

import pytest

from roma_ros.sources import MediaError, StreamAddress, is_address


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://cam.local:8554/front", "rtsp://cam.local:8554/front"),
        ("RTSP://admin:p%40ss@cam/front", "rtsp://***@cam/front"),
        ("http://admin:p@ss:w@rd@cam/x", "http://***@cam/x"),
        ("http://cam/video.cgi?user=admin&pwd=123#t", "http://cam/video.cgi?***"),
        ("http://admin:p/w?d@cam/x", "http://***@cam/x"),
        ("http://token@cam", "http://***@cam"),
        ("udp://@239.0.0.1:1234", "udp://239.0.0.1:1234"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
    ],
)
def test_passwords_are_not_shown(text: str, shown: str) -> None:
    address = StreamAddress(text)
    assert str(address) == shown
    assert repr(address) == f"StreamAddress({shown!r})"
    assert address.text == text


@pytest.mark.parametrize("text", ["ftp://host/a", "concat://a", "http://", "rtsp:///path"])
def test_other_schemes_and_addresses_without_a_host_are_refused(text: str) -> None:
    with pytest.raises(MediaError, match="expected"):
        StreamAddress(text)


def test_a_path_is_no_address() -> None:
    assert not any(map(is_address, ["a/b.mp4", "mic:USB", "concat:50%d.wav", "C:/film.mp4", "://"]))
    assert is_address("rtsp://host")
