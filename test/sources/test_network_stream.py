"""NetworkStream and open_media, from real servers on loopback."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from roma_ros.sources import (
    Item,
    MediaError,
    MediaFile,
    MediaFrame,
    NetworkStream,
    Reconnect,
    Source,
    open_media,
)
from roma_ros.units import AssemblerConfig, AudioChunk, MultimodalUnit, UnitAssembler, VideoFill

from ..clips import Clip, write_clip
from .servers import LiveStream, file_server, http_live_server, rtsp_server

NS = 1_000_000_000
CLIP = Clip(seconds=2.5, flashes=(1.5,), beeps=(1.5,))
FAST = Reconnect(first_wait=0.1, longest_wait=0.4, give_up_after=20.0)


@pytest.fixture(scope="module")
def stream_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("live") / "live.ts", CLIP)


@pytest.fixture
def stream(stream_file: Path) -> LiveStream:
    return LiveStream(stream_file)


@pytest.fixture(params=["http", "rtsp"])
def address(request: pytest.FixtureRequest, stream: LiveStream) -> Iterator[str]:
    if request.param == "http":
        with http_live_server(stream) as http:
            yield http.replace("://", "://user:secret@") + "?token=secret"
    else:
        with rtsp_server(stream, password="secret") as rtsp:
            yield f"rtsp://user:secret@{rtsp}"


def read_until_lost(source: Source) -> list[tuple[float, Item]]:
    """Each item with the time at which it came: s."""
    items = []
    try:
        for item in source:
            items.append((time.time(), item))
    except MediaError:
        pass
    return items


def onset(items: list[tuple[float, Item]], kind: type) -> float:
    """Seconds of the first flash or beep."""
    for _, item in items:
        if kind is MediaFrame and isinstance(item, MediaFrame) and item.decode().mean() > 200:
            return item.stamp / NS
        if kind is AudioChunk and isinstance(item, AudioChunk):
            loud = np.flatnonzero(np.abs(item.samples[:, 0]) > 0.2)
            if len(loud):
                return item.stamp / NS + float(loud[0]) / item.rate
    raise AssertionError(f"no {kind.__name__} with it")


@pytest.mark.slow
def test_picture_and_sound_come_together_at_the_pace_of_the_stream(address: str) -> None:
    with open_media(address) as source:
        assert isinstance(source, NetworkStream)
        assert (source.live, source.has_video, source.has_audio) == (True, True, True)
        items = read_until_lost(source)
    frames = [item for _, item in items if isinstance(item, MediaFrame)]
    sound = sum(item.duration for _, item in items if isinstance(item, AudioChunk))
    assert 45 <= len(frames) <= 50
    assert 2.3 <= sound <= 2.6
    assert onset(items, MediaFrame) == pytest.approx(onset(items, AudioChunk), abs=0.06)
    stamps = [frame.stamp for frame in frames]
    assert (stamps[-1] - stamps[0]) / NS == pytest.approx(len(frames) / 20, abs=0.15)
    late = [came - item.stamp / NS for came, item in items]
    assert np.percentile(late, 90) < 0.5
    assert min(late) > -0.05


@pytest.mark.slow
def test_a_stream_as_fast_as_the_network_is_slowed_to_its_own_pace(
    stream: LiveStream, stream_file: Path
) -> None:
    stream.speed = 100.0
    with http_live_server(stream) as address, open_media(address) as source:
        begin = time.monotonic()
        items = read_until_lost(source)
    assert 2.0 < time.monotonic() - begin < 5.0
    assert len([item for _, item in items if isinstance(item, MediaFrame)]) >= 45


@pytest.mark.slow
def test_a_stream_that_is_cut_comes_back_and_says_so_without_its_password(
    stream: LiveStream, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_media(address, reconnect=FAST) as source:
        items = iter(source)
        list(itertools.islice(items, 40))
        stream.refuses.set()
        stream.cut.set()
        threading.Timer(0.8, stream.refuses.clear).start()
        begin = time.monotonic()
        while stream.clients < 2 and time.monotonic() < begin + 15:
            next(items)
        assert stream.clients == 2
        more = list(itertools.islice(items, 80))
    assert any(isinstance(item, MediaFrame) for item in more)
    assert any(isinstance(item, AudioChunk) for item in more)
    told = [record.getMessage() for record in caplog.records]
    assert any("trying again in 0.1 s" in line for line in told)
    assert any("is back after" in line for line in told)
    assert not any("secret" in line for line in told)


@pytest.mark.slow
def test_a_stream_that_stalls_is_noticed_within_five_seconds(
    stream: LiveStream, caplog: pytest.LogCaptureFixture
) -> None:
    with http_live_server(stream) as address, open_media(address) as source:
        items = iter(source)
        list(itertools.islice(items, 20))
        stream.stalled.set()
        begin = time.monotonic()
        with pytest.raises(MediaError, match="broke off: no answer in time"):
            list(items)
        assert time.monotonic() - begin < 5.0
        stream.cut.set()


@pytest.mark.slow
def test_a_stream_that_stays_away_is_given_up(stream: LiveStream) -> None:
    patience = Reconnect(first_wait=0.1, longest_wait=0.3, give_up_after=1.0)
    with http_live_server(stream) as address, open_media(address, reconnect=patience) as source:
        items = iter(source)
        next(items)
        stream.refuses.set()
        stream.cut.set()
        with pytest.raises(
            MediaError, match=r"cannot be opened: the host has an error .*; tried \d times in 1 s"
        ):
            list(items)


@pytest.mark.long
def test_after_a_short_stall_it_goes_on_as_the_same_stream(stream: LiveStream) -> None:
    """Units have a gap where the network had one, and picture and sound stay together."""
    assembler = UnitAssembler(AssemblerConfig())
    units: list[MultimodalUnit] = []
    with http_live_server(stream) as address, open_media(address) as source:
        threading.Timer(0.5, stream.stalled.set).start()
        threading.Timer(3.0, stream.stalled.clear).start()
        for _, item in read_until_lost(source):
            assembler.add(item)
            units += assembler.units()
        units += assembler.flush()
    assert {unit.stream for unit in units} == {0}
    assert 4 <= len(units) <= 7
    assert units[0].video_fill is units[-2].video_fill is VideoFill.NONE
    assert any(unit.audio_filled > 4_000 for unit in units)


def test_closing_does_not_wait_for_the_network(stream: LiveStream) -> None:
    with http_live_server(stream) as address:
        source = open_media(address, reconnect=FAST)
        next(iter(source))
        stream.stalled.set()
        begin = time.monotonic()
        for _ in range(3):
            source.close()
        assert time.monotonic() - begin < 1.0
        assert len(list(source)) < 70
        stream.cut.set()


def test_files_over_http_are_recordings(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", CLIP)
    with file_server(tmp_path) as address, open_media(f"{address}/a.mp4") as source:
        assert isinstance(source, MediaFile)
        assert source.duration == pytest.approx(2.5, abs=0.1)
        items = [(0.0, item) for item in source]
    assert onset(items, MediaFrame) == pytest.approx(1.5, abs=0.002)
    assert onset(items, AudioChunk) == pytest.approx(1.5, abs=0.002)


def test_of_playlists_those_with_an_end_are_recordings(stream_file: Path, tmp_path: Path) -> None:
    head = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2.5,\n"
    (tmp_path / "part.ts").write_bytes(stream_file.read_bytes())
    (tmp_path / "whole.m3u8").write_text(f"{head}part.ts\n#EXT-X-ENDLIST\n")
    (tmp_path / "live.m3u8").write_text(f"{head}part.ts\n")
    (tmp_path / "local.m3u8").write_text(f"{head}file://{tmp_path}/part.ts\n#EXT-X-ENDLIST\n")
    with file_server(tmp_path) as address:
        with open_media(f"{address}/whole.m3u8") as source:
            assert isinstance(source, MediaFile)
            assert len([item for item in source if isinstance(item, MediaFrame)]) == 50
        with open_media(f"{address}/live.m3u8") as source:
            assert isinstance(source, NetworkStream)
            assert len(list(itertools.islice(source, 20))) == 20
        with pytest.raises(MediaError, match="neither video nor audio"):
            open_media(f"{address}/local.m3u8")  # a list from outside names no file of ours


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("http://u:secret@127.0.0.1:{free}/a?key=secret", "refused; is the host on, and is this"),
        ("rtsp://u:secret@127.0.0.1:{free}/a", "refused; is the host on, and is this"),
        ("{files}/none.mp4", r"there is no such path on the host \(404\)"),
        ("{files}/notes.txt", "is neither video nor audio; is the path of the address right"),
        ("rtsp://user:wrong@{rtsp}", r"it asks for a user and a password \(401\)"),
        ("ftp://u:secret@host/a.mp4", "ftp:// addresses cannot be opened; expected one of rtsp://"),
        ("http:///secret", "names no host"),
    ],
)
def test_an_address_that_cannot_be_opened_is_told_in_words_of_addresses(
    tmp_path: Path, stream: LiveStream, location: str, message: str
) -> None:
    (tmp_path / "notes.txt").write_text("a letter, not a film\n" * 200)
    with file_server(tmp_path) as files, rtsp_server(stream, password="secret") as rtsp:
        filled = location.format(free=free_port(), files=files, rtsp=rtsp)
        with pytest.raises(MediaError, match=message) as refusal:
            open_media(filled)
    assert "u:secret" not in str(refusal.value)
    assert "wrong" not in str(refusal.value)
    assert "key=" not in str(refusal.value)
