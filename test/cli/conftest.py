"""A short clip with sound, and the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.thinker import RomaThinker

from ..clips import Clip, write_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of picture and sound."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return write_clip(path, Clip(seconds=3.0, flashes=(1.5,), beeps=(1.5,)))


@pytest.fixture(scope="session")
def thinker() -> RomaThinker:
    return RomaThinker.from_pretrained("roma_tiny", device="cpu")
