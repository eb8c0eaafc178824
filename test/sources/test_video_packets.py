"""Packets of real encoders: right pictures at right stamps, and none that is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from roma_ros.sources.video_packets import KeyFrameError, PacketDecoder, codec_of
from roma_ros.units import ImageError

from .video_encoder import GOP, HEIGHT, WIDTH, colour, encoded

ENCODERS = {"libx264": "h264", "libx265": "hevc", "libsvtav1": "av1", "libvpx-vp9": "vp9"}
BASE, FRAME = 1_700_000_000_000_000_000, 100_000_000


def play(packets, codec, lost_before=()):
    """Decode; returns stamps and pictures by number, and the errors with the packet's number."""
    decoder = PacketDecoder()
    frames, errors = [], []
    for packet in packets:
        stamp = BASE + packet.number * FRAME
        try:
            frames += decoder.decode(codec, packet.data, stamp, lost=packet.number in lost_before)
        except ImageError as error:
            errors.append((packet.number, error))
    return frames, errors


def numbers(frames):
    return [(frame.stamp - BASE) // FRAME for frame in frames]


def check_colours(frames):
    for number, frame in zip(numbers(frames), frames, strict=True):
        rgb = frame.decode()
        assert rgb.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(np.median(rgb, axis=(0, 1)) - colour(number)).max() <= 8, number


@pytest.mark.parametrize("encoder", ENCODERS)
def test_every_packet_becomes_its_picture(encoder):
    frames, errors = play(encoded(encoder), ENCODERS[encoder])
    assert not errors
    assert numbers(frames) == list(range(2 * GOP))
    check_colours(frames)


def test_pictures_of_b_frames_have_their_own_stamps():
    packets = encoded("libx264", 3 * GOP, b_frames=2)
    assert [packet.number for packet in packets] != list(range(3 * GOP))
    frames, errors = play(packets, "h264")
    assert not errors
    assert numbers(frames) == list(range(len(frames)))
    assert len(frames) >= 3 * GOP - 4  # the last wait for more
    check_colours(frames)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_it_begins_at_a_key_frame_and_says_so(encoder):
    frames, errors = play(encoded(encoder)[3:], ENCODERS[encoder])
    assert numbers(frames) == list(range(GOP, 2 * GOP))
    assert [number for number, _ in errors] == list(range(3, GOP))
    assert all(isinstance(error, KeyFrameError) for _, error in errors)
    assert f"joined between two key frames: {GOP - 3} packets" in str(errors[-1][1])
    assert "gop_size" in str(errors[-1][1])
    check_colours(frames)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_after_a_lost_packet_it_waits_for_the_next_key_frame(encoder):
    packets = encoded(encoder)
    frames, errors = play([*packets[:3], *packets[4:]], ENCODERS[encoder], lost_before=(4,))
    assert numbers(frames) == [0, 1, 2, *range(GOP, 2 * GOP)]
    assert "packets were lost: 1 packets" in str(errors[0][1])
    check_colours(frames)


@pytest.mark.parametrize("encoder", ["libx264", "libx265"])
def test_junk_is_refused_and_the_next_key_frame_goes_on(encoder):
    packets = encoded(encoder)
    junk = type(packets[0])(3, False, b"\0\0\0\1\x65\x88" + bytes(range(1, 200)))
    frames, errors = play([*packets[:3], junk, *packets[4:]], ENCODERS[encoder], lost_before=())
    assert set(range(GOP, 2 * GOP)) <= set(numbers(frames))
    assert errors or 3 not in numbers(frames)


@pytest.mark.parametrize("data", [b"", b"\0\0\0\x20\x65" + bytes(50)])
def test_what_is_no_packet_is_refused(data):
    with pytest.raises(ImageError, match=r"packet has 0 bytes|no start codes; expected Annex B"):
        PacketDecoder().decode("h264", data, 0)


def test_a_picture_of_absurd_size_is_refused(monkeypatch):
    monkeypatch.setattr("roma_ros.sources.video_packets.MAX_VIDEO_PIXELS", WIDTH * HEIGHT - 1)
    frames, errors = play(encoded("libx264"), "h264")
    assert not frames
    assert errors


def test_a_packet_of_two_bytes_is_no_key_frame():
    for codec in ENCODERS.values():
        for data in (b"\x16\x00", b"\x12\x00", b"\x16", b"\x82"):
            with pytest.raises(ImageError):
                PacketDecoder().decode(codec, data, 0)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("h264", "h264"),
        ("libx264", "h264"),
        ("h264_nvenc", "h264"),
        ("h265", "hevc"),
        ("hevc_vaapi", "hevc"),
        ("libsvtav1", "av1"),
        ("AV1", "av1"),
        ("vp9", "vp9"),
    ],
)
def test_names_of_codecs_and_encoders(name, codec):
    assert codec_of(name) == codec


def test_another_codec_is_refused():
    with pytest.raises(ImageError, match="'mpeg2video'; expected one of h264, hevc, av1, vp9"):
        codec_of("mpeg2video")
