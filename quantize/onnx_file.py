"""Writing an ONNX file, with its weights beside it where one file cannot hold them."""

from __future__ import annotations

from pathlib import Path

import onnx

__all__ = ["save_onnx"]

SINGLE_FILE_BYTES = 1_900_000_000
"""A protobuf message ends at 2 GiB."""


def save_onnx(model: onnx.ModelProto, path: Path, labels: dict[str, str]) -> None:
    """Write a model; weights above 1.9 GB go into `<name>.data` beside it.

    Args:
        model: with its weights; they may be moved out of it.
        path: of the .onnx file; one that exists is overwritten.
        labels: what the file says of itself, which onnxruntime reads as its metadata.
    """
    onnx.helper.set_model_props(model, labels)
    beside = path.with_name(f"{path.name}.data")
    beside.unlink(missing_ok=True)  # onnx would append to it
    large = sum(weights.ByteSize() for weights in model.graph.initializer) > SINGLE_FILE_BYTES
    onnx.save(model, path, save_as_external_data=large, location=beside.name if large else None)
