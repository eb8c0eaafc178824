"""Encoders and speak head that onnxruntime runs instead of torch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from roma_ros.thinker.checkpoint_check.onnx_operators import check_operators
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
"""Execution providers of onnxruntime, in the order in which they are tried."""
MAX_ONNX_BYTES = 4_000_000_000
"""Most bytes of a file and its weights; the largest encoder, vision in float32, has 2.7 GB."""


class OnnxVision:
    """Vision encoder for one patch grid, used by `RomaThinker.encode_video`.

    Args:
        path: file written by `roma_ros.quantize.onnx_export.export_vision`.
        providers: execution providers of onnxruntime, in the order in which they are tried;
            `None`: see `choose_providers`.

    Attributes:
        rows, columns: patch grid that the file was exported for.
        providers: execution providers in use.

    Raises:
        CheckpointError: the file is missing, too large, damaged or of another part; no provider is
            available; or onnxruntime is not installed.
    """

    def __init__(self, path: Path, providers: Sequence[str] | None = None) -> None:
        self._session, labels = _open_part(path, "vision", providers)
        self.providers: list[str] = self._session.get_providers()
        try:
            self.rows = int(labels["roma_ros.rows"])
            self.columns = int(labels["roma_ros.columns"])
        except (KeyError, ValueError) as error:
            raise CheckpointError(
                f"{path} has no patch grid in its metadata; export it again"
            ) from error

    def check_grid(self, rows: int, columns: int, times: int = 1) -> None:
        """Check that the file was exported for a patch grid.

        Args:
            rows, columns: patches along the height and width of a frame.
            times: steps of the temporal axis; only 1 is possible.

        Raises:
            UnitShapeError: the file was exported for another grid.
        """
        if (times, rows, columns) != (1, self.rows, self.columns):
            raise UnitShapeError(
                f"the frames have {rows} x {columns} patches (rows x columns) at {times} times; "
                f"expected {self.rows} x {self.columns} at 1, which this bundle's vision encoder "
                "was made for; set the camera to frames of that shape, or make a bundle for these"
            )

    def __call__(self, pixels: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Run the encoder over n units, each by itself.

        Args:
            pixels: (n * patches, patch values) of any float dtype on any device.
            grid: (n, 3) int64, all rows (1, `rows`, `columns`).

        Returns:
            (n * video tokens, H) float32 on the CPU.

        Raises:
            UnitShapeError: `grid` has another shape than the file was exported for.
        """
        for times, rows, columns in grid.tolist():
            self.check_grid(rows, columns, times)
        units = _array(pixels).reshape(len(grid), self.rows * self.columns, -1)
        return _each(self._session, units)


class OnnxAudio:
    """Audio encoder for one second at a time, used by `RomaThinker.encode_audio`.

    Args:
        path: file written by `roma_ros.quantize.onnx_export.export_audio`.
        providers: as for `OnnxVision`.

    Attributes:
        providers: execution providers in use.

    Raises:
        CheckpointError: as for `OnnxVision`.
    """

    def __init__(self, path: Path, providers: Sequence[str] | None = None) -> None:
        self._session, _ = _open_part(path, "audio", providers)
        self.providers: list[str] = self._session.get_providers()
        self._bins, self._frames = self._session.get_inputs()[0].shape

    def __call__(self, mel: torch.Tensor) -> torch.Tensor:
        """Run the encoder over n seconds, each by itself.

        Args:
            mel: (mel bins, 100 n) of any float dtype on any device.

        Returns:
            (25 n, H) float32 on the CPU.

        Raises:
            UnitShapeError: the number of mel bins is wrong, or the seconds are not whole.
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
    """Speak head, used instead of `SpeakHead`.

    Args:
        path: file written by `roma_ros.quantize.onnx_export.export_speak_head`.
        providers: as for `OnnxVision`.

    Attributes:
        providers: execution providers in use.

    Raises:
        CheckpointError: as for `OnnxVision`.
    """

    def __init__(self, path: Path, providers: Sequence[str] | None = None) -> None:
        self._session, _ = _open_part(path, "speak_head", providers)
        self.providers: list[str] = self._session.get_providers()
        self._layers, _, self._width = self._session.get_inputs()[0].shape

    def __call__(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Return the logits of p(speak).

        Args:
            hidden_states: (K, ..., H) states of the K layers that the head mixes.

        Returns:
            (...) float32 logits on the CPU, whose `sigmoid` is p(speak).

        Raises:
            UnitShapeError: the number of layers or the hidden size is wrong.
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
    """Return the installed execution providers, in the order in which they are tried.

    Args:
        wanted: names of providers in order of preference; `None` for TensorRT, CUDA, CPU.

    Raises:
        CheckpointError: none of them is installed, or onnxruntime is not.
    """
    available = _onnxruntime().get_available_providers()
    chosen = [name for name in wanted or PROVIDERS if name in available]
    if not chosen:
        raise CheckpointError(
            f"none of the onnxruntime providers {list(wanted or PROVIDERS)} is installed; "
            f"installed are {available}. For CUDA and TensorRT install onnxruntime-gpu"
        )
    return chosen


def check_onnx(path: Path) -> None:
    """Check that a file may be passed to onnxruntime.

    It must be an ONNX file of bounded size with standard operators only, and keep its weights in
    itself or in files beside it: a name in the file cannot reach another folder.

    Raises:
        CheckpointError: the file fails one of these checks.
    """
    if path.suffix != ".onnx" or not path.is_file():
        raise CheckpointError(f"{path} is no .onnx file; make the bundle again")
    size = path.stat().st_size
    if size > MAX_ONNX_BYTES:
        raise CheckpointError(f"{path} has {size:,} bytes; expected at most {MAX_ONNX_BYTES:,}")
    model = _parse(path)
    check_operators(path, model)
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
    """Open a file with onnxruntime, after `check_onnx`.

    The session uses as many threads as torch, since the two run in turns, and its threads sleep
    between two units instead of spinning.

    Args:
        path: ONNX file.
        providers: execution providers in order of preference; `None`: see `choose_providers`.

    Returns:
        An `onnxruntime.InferenceSession`.

    Raises:
        CheckpointError: see `check_onnx` and `choose_providers`; or onnxruntime cannot run it.
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
    except Exception as error:  # its errors have no other common base
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
    """Parse a file without loading weights that are kept beside it."""
    import onnx

    try:
        return onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's DecodeError, which has no stable import path
        raise CheckpointError(f"{path} is damaged, or no ONNX file: {error}") from error


def _outside_names(graph: Any) -> Iterator[str]:
    """Return the names of the files that a graph loads weights from."""
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
    """Return options of a provider; TensorRT's engine takes minutes to build: cached on disk."""
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
    """Run one unit after another and concatenate the results."""
    name = session.get_inputs()[0].name
    parts = [session.run(None, {name: np.ascontiguousarray(unit)})[0] for unit in units]
    return torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts))
