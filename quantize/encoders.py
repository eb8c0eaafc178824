"""Export of both encoders to ONNX files of a bundle, in float32 or INT8."""

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
    """Write the vision encoder for one patch grid.

    Args:
        thinker: model with the encoder.
        path: .onnx file to write.
        grid: rows and columns of patches.
        units: calibration units for INT8; `None` for float32.

    Raises:
        Int8Error: too few units, or INT8 is not accurate enough.
        UnitShapeError: the checkpoint never resizes a frame to this grid.
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
    """Write the audio encoder for one unit; the arguments are those of `write_vision`."""
    feeds = None if units is None else audio_feeds(thinker, units)
    _write(path, lambda out: export_audio(thinker, out), feeds)


def _write(path: Path, export: Callable[[Path], None], feeds: Iterable[Feed] | None) -> None:
    if feeds is None:
        export(path)
        return
    # Beside the bundle: it can be larger than /tmp, which is often in memory.
    with TemporaryDirectory(dir=path.parent) as scratch:
        float_model = Path(scratch) / path.name
        export(float_model)
        quantize_static(float_model, path, feeds)
