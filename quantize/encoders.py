"""The two encoders as ONNX files of a bundle, in float32 or in INT8."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from roma_ros.quantize.calibration import Feed, audio_feeds, vision_feeds
from roma_ros.quantize.onnx_export import export_audio, export_vision
from roma_ros.quantize.static_int8 import quantize_static
from roma_ros.thinker import RomaThinker
from roma_ros.units import MultimodalUnit

__all__ = ["write_audio", "write_vision"]


def write_vision(
    thinker: RomaThinker,
    path: Path,
    *,
    grid: tuple[int, int],
    units: Iterable[MultimodalUnit] | None = None,
) -> None:
    """Write the vision encoder at one grid of rows and columns of patches.

    Args:
        thinker: whose.
        path: of the .onnx file.
        grid: rows and columns.
        units: to calibrate INT8 with; `None` for float32.

    Raises:
        Int8Error: too few units, or INT8 is not good enough.
        UnitShapeError: a grid that no frame comes to.
    """
    rows, columns = grid
    _write(
        path,
        lambda out: export_vision(thinker, out, rows=rows, columns=columns),
        None if units is None else vision_feeds(thinker, units, rows=rows, columns=columns),
    )


def write_audio(
    thinker: RomaThinker, path: Path, *, units: Iterable[MultimodalUnit] | None = None
) -> None:
    """Write the audio encoder at the shape of one unit; the arguments are as for `write_vision`."""
    feeds = None if units is None else audio_feeds(thinker, units)
    _write(path, lambda out: export_audio(thinker, out), feeds)


def _write(path: Path, export: Callable[[Path], None], feeds: Iterable[Feed] | None) -> None:
    if feeds is None:
        export(path)
        return
    # Beside the bundle, for it may be larger than the memory that /tmp often is.
    with TemporaryDirectory(dir=path.parent) as scratch:
        whole = Path(scratch) / path.name
        export(whole)
        quantize_static(whole, path, feeds)
