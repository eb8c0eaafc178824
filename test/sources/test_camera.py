"""Camera, on a motion-JPEG file in place of a device: OpenCV reads both alike."""

from __future__ import annotations

import itertools
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from roma_ros.sources import Camera, CameraConfig, CameraError, Item
from roma_ros.units import RawFrame

from ..clips import QUADRANTS, Clip, write_clip

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
