"""Real annotation files, where they are; tests that need them skip with a reason elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is missing: the benchmarks' own files may not be copied here")
    return DATA
