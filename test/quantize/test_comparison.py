"""A bundle beside its source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from roma_ros.quantize.benchmark import BenchmarkResult, BenchmarkSettings, run_benchmark
from roma_ros.quantize.comparison import compare, folder_bytes
from roma_ros.quantize.errors import QuantizeError

SOURCE = BenchmarkResult(
    p_speak=((0.1, 0.9, 0.9, 0.2), (0.4, 0.6)),
    unit_seconds=(0.010, 0.020, 0.030, 0.040),
    token_seconds=(0.001, 0.003),
    resident_bytes=800,
    peak_bytes=900,
    device_bytes=0,
)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name, size in (("source", 100), ("bundle", 30)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(bytes(size))
        (tmp_path / name / "notes.md").write_bytes(bytes(7))
    return tmp_path / "source", tmp_path / "bundle"


def test_figures_by_hand(folders: tuple[Path, Path]) -> None:
    """The bundle's alert goes off one unit late in the first stream, and not in the second."""
    other = replace(SOURCE, p_speak=((0.1, 0.4, 0.8, 0.2), (0.4, 0.3)), token_seconds=())
    found = compare((folders[0], SOURCE), (folders[1], other))
    assert (found.source.disk_bytes, found.bundle.disk_bytes) == (100, 30)
    assert found.mean_change == pytest.approx((0.5 + 0.1 + 0.3) / 6)
    assert found.max_change == pytest.approx(0.5)
    assert (found.source.firings, found.bundle.firings, found.fired_together) == (2, 1, 0)
    assert found.trigger_agreement == pytest.approx(3 / 6)
    assert found.source.token is not None
    assert (found.units, found.source.unit.p50, found.source.token.p50) == (6, 25.0, 2.0)
    assert found.bundle.token is None
    assert found.as_dict()["bundle"]["unit"]["p99"] == pytest.approx(39.7)


def test_a_model_that_never_decides(folders: tuple[Path, Path]) -> None:
    silent = replace(SOURCE, p_speak=((), ()))
    found = compare((folders[0], silent), (folders[1], silent))
    assert found.mean_change is found.max_change is found.trigger_agreement is None
    with pytest.raises(QuantizeError, match=r"gave p\(speak\) for 6 units and bundle for 0"):
        compare((folders[0], SOURCE), (folders[1], silent))


@pytest.mark.slow
def test_a_model_follows_the_world(checkpoint: Path) -> None:
    settings = BenchmarkSettings(streams=1, seconds=5, device="cpu")
    one, again = run_benchmark(checkpoint, settings), run_benchmark(checkpoint, settings)
    assert one.p_speak == again.p_speak
    assert [len(row) for row in one.p_speak] == [5]
    assert len(one.unit_seconds) == 4
    assert 0 < len(one.token_seconds) <= 8
    weights = folder_bytes(checkpoint)
    assert weights < one.resident_bytes <= one.peak_bytes
    assert one.device_bytes == 0
