"""Writer of ONNX files, with large weights in a second file."""

from __future__ import annotations

from pathlib import Path

import onnx

__all__ = ["save_onnx"]

SINGLE_FILE_BYTES = 1_900_000_000
"""A protobuf message has at most 2 GiB."""


def save_onnx(model: onnx.ModelProto, path: Path, labels: dict[str, str]) -> None:
    """Write a model; weights above 1.9 GB go into `<name>.data` beside it.

    Args:
        model: model with its weights, which may be moved out of it.
        path: .onnx file to write; an existing one is overwritten.
        labels: metadata of the file, as onnxruntime reads it.
    """
    onnx.helper.set_model_props(model, labels)
    beside = path.with_name(f"{path.name}.data")
    beside.unlink(missing_ok=True)  # onnx would append to it
    large = sum(weights.ByteSize() for weights in model.graph.initializer) > SINGLE_FILE_BYTES
    onnx.save(model, path, save_as_external_data=large, location=beside.name if large else None)
