"""LiveSources, on two cameras that are files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from roma_ros.sources import (
    Camera,
    CameraConfig,
    CameraError,
    Item,
    LiveSources,
    MediaFile,
    MediaFileConfig,
    SourceError,
)
from roma_ros.units import RawFrame

from ..clips import Clip, write_clip

CLIP = Clip(seconds=1.0, audio=False, video_codec="mjpeg")


def test_items_of_all_sources_come(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "small.avi", CLIP)
    large = write_clip(tmp_path / "large.avi", replace(CLIP, width=192))
    cameras = [Camera(CameraConfig(str(path))) for path in (small, large)]
    items: list[Item] = []
    with LiveSources(cameras) as source:
        assert (source.live, source.has_video, source.has_audio) == (True, True, False)
        with pytest.raises(CameraError, match="no more"):
            items.extend(source)
    # Which comes first is theirs to decide; one failure ends both.
    widths = {item.width for item in items if isinstance(item, RawFrame)}
    assert widths
    assert widths <= {96, 192}
    assert not any(camera._thread.is_alive() for camera in cameras)


def test_recordings_cannot_be_combined(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", CLIP)
    with pytest.raises(SourceError, match="only cameras, microphones and live streams"):
        LiveSources([MediaFile(MediaFileConfig(path=path)), MediaFile(MediaFileConfig(path=path))])
