"""A checkpoint to quantise, and p(speak) over a stream."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from roma_ros.thinker import RomaThinker

Series = Callable[[RomaThinker], list[float | None]]


@pytest.fixture(scope="session")
def checkpoint(tiny: RomaThinker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained roma_tiny in float32."""
    folder = tmp_path_factory.mktemp("checkpoints") / "tiny"
    tiny.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def series(make_unit) -> Series:
    def follow(thinker: RomaThinker) -> list[float | None]:
        with thinker.open_session("alert me when you hear a beep") as session:
            return [session.step(make_unit(index)).p_speak for index in range(6)]

    return follow
