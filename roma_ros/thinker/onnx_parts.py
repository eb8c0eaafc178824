"""Encoders and speak head run by onnxruntime, in the place of torch's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from roma_ros.thinker.errors import CheckpointError, UnitShapeError

__all__ = [
    "MAX_ONNX_BYTES",
    "PROVIDERS",
    "OnnxAudio",
    "OnnxSpeakHead",
    "OnnxVision",
    "check_onnx",
    "choose_providers",
    "open_onnx",
]

PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
"""In the order in which they are tried."""
MAX_ONNX_BYTES = 4_000_000_000
"""Of a file and its weights; the largest encoder, vision in float32, has 2.7 GB."""
OPERATORS = ("", "ai.onnx", "com.microsoft")
"""Sets that come with onnxruntime; com.microsoft's are what its quantiser may write."""


class OnnxVision:
    """The vision encoder at one patch grid, in the place of `RomaThinker.encode_video`.

    Args:
        path: of a file that `roma_ros.quantize.onnx_export.export_vision` wrote.
        providers: of onnxruntime, in the order in which they are tried; `None` is
            `choose_providers()`.

    Attributes:
        rows, columns: the grid that it was made for, in patches.
        providers: those that are used.

    Raises:
        CheckpointError: the file is missing, too large, damaged, or another part's; the providers
            are not there; or onnxruntime is not installed.
    """

    def __init__(self, path: Path, providers: Sequence[str] | None = None) -> None:
        self._session, labels = _open_part(path, "vision", providers)
        self.providers: list[str] = self._session.get_providers()
        try:
            self.rows = int(labels["roma_ros.rows"])
            self.columns = int(labels["roma_ros.columns"])
        except (KeyError, ValueError) as error:
            raise CheckpointError(f"{path} does not say its patch grid; export it again") from error

    def check_grid(self, rows: int, columns: int, times: int = 1) -> None:
        """Raise `UnitShapeError` unless the file was made for this grid of patches."""
        if (times, rows, columns) != (1, self.rows, self.columns):
            raise UnitShapeError(
                f"the frames have {rows} x {columns} patches (rows x columns) at {times} times; "
                f"expected {self.rows} x {self.columns} at 1, which this bundle's vision encoder "
                "was made for; let the camera give frames of that shape, or make a bundle for these"
            )

    def __call__(self, pixels: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Features of n units, each by itself.

        Args:
            pixels: (n * patches, patch values), any float dtype, any device.
            grid: (n, 3), all (1, rows, columns).

        Returns:
            (tokens, H) float32 on the CPU.

        Raises:
            UnitShapeError: another grid than the file was made for.
        """
        for times, rows, columns in grid.tolist():
            self.check_grid(rows, columns, times)
        units = _array(pixels).reshape(len(grid), self.rows * self.columns, -1)
        return _each(self._session, units)


class OnnxAudio:
    """The audio encoder, one second at a time, in the place of `RomaThinker.encode_audio`.

    Args:
        path: of a file that `roma_ros.quantize.onnx_export.export_audio` wrote.
        providers: as for `OnnxVision`.

    Attributes:
        providers: those that are used.

    Raises:
        CheckpointError: as for `OnnxVision`.
    """

    def __init__(self, path: Path, providers: Sequence[str] | None = None) -> None:
        self._session, _ = _open_part(path, "audio", providers)
        self.providers: list[str] = self._session.get_providers()
        self._bins, self._frames = self._session.get_inputs()[0].shape

    def __call__(self, mel: torch.Tensor) -> torch.Tensor:
        """Features of n seconds, each by itself: (mel bins, 100 n) -> (25 n, H).

        Args:
            mel: any float dtype, any device.

        Returns:
            float32 on the CPU.

        Raises:
            UnitShapeError: other mel bins, or no whole seconds.
        """
        bins, frames = mel.shape
        if bins != self._bins or not frames or frames % self._frames:
            raise UnitShapeError(
                f"the audio has {frames} mel frames of {bins} bins; expected whole seconds of "
                f"{self._frames} frames of {self._bins} bins, which this bundle was made for"
            )
        units = _array(mel).reshape(bins, -1, self._frames).swapaxes(0, 1)
        return _each(self._session, units)


class OnnxSpeakHead:
    """The speak head, in the place of `SpeakHead`.

    Args:
        path: of a file that `roma_ros.quantize.onnx_export.export_speak_head` wrote.
        providers: as for `OnnxVision`.

    Attributes:
        providers: those that are used.

    Raises:
        CheckpointError: as for `OnnxVision`.
    """

    def __init__(self, path: Path, providers: Sequence[str] | None = None) -> None:
        self._session, _ = _open_part(path, "speak_head", providers)
        self.providers: list[str] = self._session.get_providers()
        self._layers, _, self._width = self._session.get_inputs()[0].shape

    def __call__(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Logits of p(speak): (K, ..., H) -> (...), float32 on the CPU.

        Raises:
            UnitShapeError: another number of layers, or another width.
        """
        if (hidden_states.shape[0], hidden_states.shape[-1]) != (self._layers, self._width):
            raise UnitShapeError(
                f"the hidden states are {tuple(hidden_states.shape)}; expected ({self._layers}, "
                f"..., {self._width}), which this bundle's speak head was made for"
            )
        states = _array(hidden_states).reshape(self._layers, -1, self._width)
        (logits,) = self._session.run(None, {"states": states})
        return torch.from_numpy(logits).reshape(hidden_states.shape[1:-1])


def choose_providers(wanted: Sequence[str] | None = None) -> list[str]:
    """What onnxruntime is to run on: TensorRT, CUDA, CPU, those that are installed.

    Args:
        wanted: names, in an order of their own, or `None` for all that there are.

    Raises:
        CheckpointError: none of those wanted is there, or onnxruntime is not installed.
    """
    available = _onnxruntime().get_available_providers()
    chosen = [name for name in wanted or PROVIDERS if name in available]
    if not chosen:
        raise CheckpointError(
            f"of the onnxruntime providers {list(wanted or PROVIDERS)} none is installed, but "
            f"{available} are; install onnxruntime-gpu for CUDA and TensorRT"
        )
    return chosen


def check_onnx(path: Path) -> None:
    """Raise `CheckpointError` unless a file may be given to onnxruntime.

    It has to be ONNX of bounded size, with operators that onnxruntime brings along, and its
    weights in it or beside it: a name in the file cannot reach any other folder.
    """
    if path.suffix != ".onnx" or not path.is_file():
        raise CheckpointError(f"{path} is no .onnx file; make the bundle again")
    size = path.stat().st_size
    if size > MAX_ONNX_BYTES:
        raise CheckpointError(f"{path} has {size:,} bytes; expected at most {MAX_ONNX_BYTES:,}")
    model = _parse(path)
    foreign = {node.domain for node in model.graph.node} - set(OPERATORS)
    if foreign or model.functions:
        raise CheckpointError(
            f"{path} has operators of {sorted(foreign) or 'its own'}; expected those of ONNX alone"
        )
    folder = path.parent.resolve()
    beside = {folder / name for name in _outside_names(model.graph)}
    if strange := [file for file in beside if file.resolve().parent != folder]:
        raise CheckpointError(
            f"{path} keeps weights in {strange[0]}; expected them in it or beside it"
        )
    if missing := [file for file in beside if not file.is_file()]:
        raise CheckpointError(f"{path} lacks its weights, {missing[0].name} beside it")
    size += sum(file.stat().st_size for file in beside)
    if size > MAX_ONNX_BYTES:
        raise CheckpointError(
            f"{path} and its weights have {size:,} bytes; expected at most {MAX_ONNX_BYTES:,}"
        )


def open_onnx(path: Path, providers: Sequence[str] | None = None) -> Any:
    """An `onnxruntime.InferenceSession` of a file that `check_onnx` lets pass.

    It uses as many threads as torch does, since the two take turns, and its threads sleep between
    two units instead of spinning.

    Raises:
        CheckpointError: see `check_onnx` and `choose_providers`; or onnxruntime refuses the file.
    """
    runtime = _onnxruntime()
    check_onnx(path)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    names = choose_providers(providers)
    try:
        chosen = [(name, _options(name)) for name in names]
        return runtime.InferenceSession(path, options, providers=chosen)
    except Exception as error:  # its errors have no common base but this
        raise CheckpointError(f"onnxruntime cannot run {path}: {error}") from error


def _open_part(path: Path, part: str, providers: Sequence[str] | None) -> tuple[Any, Any]:
    session = open_onnx(Path(path), providers)
    labels = session.get_modelmeta().custom_metadata_map
    found = labels.get("roma_ros.part")
    if found != part:
        raise CheckpointError(f"{path} is {found or 'no part of a bundle'}; expected {part}")
    return session, labels


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise CheckpointError(
            "this bundle has ONNX parts, and onnxruntime is not installed: "
            "pip install onnxruntime, or onnxruntime-gpu for CUDA and TensorRT"
        ) from error
    return onnxruntime


def _parse(path: Path) -> Any:
    """The graph without what is kept beside it."""
    import onnx

    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's DecodeError, which is not protobuf's to import
        raise CheckpointError(f"{path} is damaged, or no ONNX file: {error}") from error


def _outside_names(graph: Any) -> Iterator[str]:
    """Names of files that a graph takes weights from."""
    tensors = list(graph.initializer)
    for sparse in graph.sparse_initializer:
        tensors += [sparse.values, sparse.indices]
    for node in graph.node:
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _outside_names(inner)
    for tensor in tensors:
        yield from (entry.value for entry in tensor.external_data if entry.key == "location")


def _options(provider: str) -> dict[str, str]:
    """TensorRT builds an engine for minutes: it is to do so once for a file, not at each start."""
    if provider != "TensorrtExecutionProvider":
        return {}
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(home) / "roma_ros" / "tensorrt"
    cache.mkdir(parents=True, exist_ok=True)
    return {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(cache)}


def _array(tensor: torch.Tensor) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = tensor.detach().to("cpu", torch.float32).numpy()
    return array


def _each(session: Any, units: npt.NDArray[np.float32]) -> torch.Tensor:
    """Features of one unit after another, joined."""
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: np.ascontiguousarray(unit)})[0] for unit in units]
    return torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts))
