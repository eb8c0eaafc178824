"""Camera, on a motion-JPEG file in place of a device: OpenCV reads both alike."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from roma_ros.sources import Camera, CameraConfig, CameraError, Item
from roma_ros.sources.reconnect import Reconnect
from roma_ros.units import RawFrame

from ..clips import QUADRANTS, Clip, write_clip
from .devices import FakeCameras

CLIP = Clip(seconds=2.0, audio=False, video_codec="mjpeg")


@pytest.fixture
def film(tmp_path: Path) -> str:
    return str(write_clip(tmp_path / "camera.avi", CLIP))


def test_frames_have_stamps_and_the_right_colours(film: str) -> None:
    ticks = itertools.count(100)
    taken: list[Item] = []
    with Camera(CameraConfig(film), clock=lambda: next(ticks)) as camera:
        assert (camera.live, camera.has_video, camera.has_audio) == (True, True, False)
        with pytest.raises(CameraError, match="gave 40 frames and then no more"):
            taken.extend(camera)
    assert taken
    assert len(taken) + camera.dropped == 40
    stamps = [frame.stamp for frame in taken]
    assert stamps == sorted(stamps)
    assert stamps[-1] == 139
    frame = taken[-1]
    assert isinstance(frame, RawFrame)
    image = frame.decode()
    assert image.shape == (64, 96, 3)
    for (row, column), colour in QUADRANTS.items():
        pixel = image[16 + row * 32, 24 + column * 48].tolist()
        assert pixel == pytest.approx(colour, abs=12)


def test_a_slow_reader_gets_new_frames(film: str) -> None:
    with Camera(CameraConfig(film)) as camera:
        camera._thread.join(timeout=10)
        with pytest.raises(CameraError):
            list(camera)
        assert camera.dropped == 36


def test_closing_ends_the_iteration_and_the_thread(tmp_path: Path) -> None:
    long = write_clip(tmp_path / "long.avi", replace(CLIP, seconds=20.0))
    camera = Camera(CameraConfig(str(long)))
    closer = threading.Timer(0.05, camera.close)
    closer.start()
    assert all(isinstance(frame, RawFrame) for frame in camera)
    closer.join()
    camera.close()
    assert not camera._thread.is_alive()


def test_a_camera_that_is_not_there(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CameraError, match="camera 63 cannot be opened; is it connected"):
        Camera(CameraConfig(63))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"index": -1}, "index is -1"),
        ({"width": 0}, "width is 0"),
        ({"height": -4}, "height is -4"),
        ({"fps": float("nan")}, "fps is nan"),
    ],
)
def test_settings_out_of_range(values: dict[str, float], message: str) -> None:
    with pytest.raises(CameraError, match=message):
        CameraConfig(**values)  # type: ignore[arg-type]


# --- cameras that are lost: in place of OpenCV's VideoCapture alone ---

FAST = Reconnect(first_wait=0.05, longest_wait=0.2)


def pictures(first: int, count: int | None = None) -> Iterator[np.ndarray]:
    """Frames that differ: the number of each is its colour."""
    numbers = itertools.count(first) if count is None else range(first, first + count)
    return (np.full((8, 8, 3), number % 256, np.uint8) for number in numbers)


def number_of(item: Item) -> int:
    assert isinstance(item, RawFrame)
    return int(item.decode()[0, 0, 0])


def put_in(monkeypatch: pytest.MonkeyPatch, cameras: FakeCameras) -> FakeCameras:
    monkeypatch.setattr(cv2, "VideoCapture", cameras)
    return cameras


def read(camera: Camera, count: int) -> list[int]:
    return [number_of(item) for item in itertools.islice(camera, count)]


@pytest.mark.slow
def test_a_camera_that_fails_is_opened_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is unplugged after 3 frames, away for two tries, and then another one."""
    put_in(monkeypatch, FakeCameras(pictures(1, 3), None, None, pictures(100)))
    with Camera(CameraConfig(0, reconnect=FAST)) as camera:
        assert read(camera, 15)[:4] == [1, 2, 3, 100]
    told = [record.getMessage() for record in caplog.records]
    assert told[0].startswith("camera 0 gave 3 frames and then no more; is it still connected?")
    assert told[1].startswith("camera 0 cannot be opened")
    assert told[-1].startswith("camera 0 is back after 0.")


@pytest.mark.slow
def test_a_grab_that_blocks_is_noticed_and_its_late_frame_is_thrown_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The driver hangs for ever and a day, and then gives a frame of yesterday."""
    hangs = threading.Event()
    cameras = put_in(
        monkeypatch,
        FakeCameras(itertools.chain(pictures(1, 3), [hangs], pictures(66)), pictures(100)),
    )
    with Camera(CameraConfig(0, silent_after=0.5, reconnect=FAST)) as camera:
        taken = read(camera, 3)
        begin = time.monotonic()
        taken += read(camera, 1)
        assert 0.4 < time.monotonic() - begin < 2.0
        hangs.set()
        taken += read(camera, 20)
    assert taken[:4] == [1, 2, 3, 100]
    assert all(number >= 100 for number in taken[3:])
    assert "camera 0 has given no frame for 0.5 s" in caplog.records[0].getMessage()
    deadline = time.monotonic() + 5
    while cameras.released < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert cameras.released == 2


@pytest.mark.slow
def test_by_default_a_silent_camera_is_noticed_within_five_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_in(monkeypatch, FakeCameras(itertools.chain(pictures(1, 2), [threading.Event()])))
    begin = time.monotonic()
    with (
        Camera(CameraConfig(0)) as camera,
        pytest.raises(CameraError, match=r"has given no frame for 4\.0 s; is it still connected"),
    ):
        list(camera)
    assert 3.9 < time.monotonic() - begin < 5.0


@pytest.mark.slow
def test_a_stale_frame_after_a_timeout_of_the_driver_is_not_given_as_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """V4L2 under some OpenCV: `grab` waits, times out, and says that all is well."""
    stale = np.full((8, 8, 3), 7, np.uint8)
    put_in(monkeypatch, FakeCameras(itertools.chain([stale, 1.1, stale, 1.1, stale], pictures(8))))
    with Camera(CameraConfig(0)) as camera:
        assert read(camera, 3) == [7, 8, 9]


@pytest.mark.slow
def test_a_camera_that_keeps_failing_is_tried_ever_more_slowly_and_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each time it opens and gives one frame: still no loop without pauses."""
    cameras = put_in(monkeypatch, FakeCameras(*(pictures(number, 1) for number in range(50))))
    config = Reconnect(first_wait=0.1, longest_wait=0.4, give_up_after=1.0)
    with (
        Camera(CameraConfig(0, reconnect=config)) as camera,
        pytest.raises(CameraError, match=r"then no more; .*; tried \d times in 1 s"),
    ):
        list(camera)
    assert 4 <= len(cameras.opened) <= 6
    waits = [after - before for before, after in itertools.pairwise(cameras.opened)]
    assert waits[2] > 0.4


@pytest.mark.slow
@pytest.mark.parametrize("hangs_in", ["grab", "open"])
def test_closing_does_not_wait_for_a_driver_that_hangs(
    monkeypatch: pytest.MonkeyPatch, hangs_in: str
) -> None:
    if hangs_in == "grab":
        put_in(monkeypatch, FakeCameras(iter([threading.Event()])))
        camera = Camera(CameraConfig(0))
    else:
        cameras = put_in(monkeypatch, FakeCameras(pictures(1, 1)))
        camera = Camera(CameraConfig(0, reconnect=FAST))
        monkeypatch.setattr(cv2, "VideoCapture", lambda index: threading.Event().wait())
        time.sleep(0.5)
        assert len(cameras.opened) == 1
    begin = time.monotonic()
    for _ in range(3):
        camera.close()
    assert time.monotonic() - begin < 1.0
    assert len(list(camera)) <= 1  # the frame before


@pytest.mark.slow
def test_no_more_than_three_calls_hang_in_a_driver(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cameras = put_in(monkeypatch, FakeCameras(*(iter([threading.Event()]) for _ in range(9))))
    with Camera(CameraConfig(0, silent_after=0.1, reconnect=FAST)):
        time.sleep(1.2)
    assert len(cameras.opened) == 3
    assert "3 calls of its driver hang" in caplog.text
