"""A short clip with sound, and the embedded model."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.journal import encode
from roma_ros.thinker import RomaThinker

from ..clips import Clip, write_clip
from .recorded import HEADER, RECORDS


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of picture and sound."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return write_clip(path, Clip(seconds=3.0, flashes=(1.5,), beeps=(1.5,)))


@pytest.fixture(scope="session")
def thinker() -> RomaThinker:
    return RomaThinker.from_pretrained("roma_tiny", device="cpu")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A file of events, as `roma run --events` writes them."""
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(map(encode, (HEADER, *RECORDS))))
    return path
