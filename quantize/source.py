"""The checkpoint that a bundle is made from: what identifies it, and how it is stored."""

from __future__ import annotations

import hashlib
from pathlib import Path

from safetensors import SafetensorError, safe_open

from roma_ros.thinker import CheckpointError
from roma_ros.thinker.bundle import file_sha256

__all__ = ["source_sha256", "stored_dtype"]

DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}
EMBEDDINGS = "model.embed_tokens.weight"


def source_sha256(folder: Path) -> str:
    """SHA-256 over the names and hashes of the weights and of `config.json`, in hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
        digest.update(f"{path.name} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def stored_dtype(folder: Path) -> str:
    """The name of the dtype in which a checkpoint keeps its text embeddings.

    Raises:
        CheckpointError: it has none, or in a dtype that no model computes in.
    """
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as weights:
                for key in weights.keys():  # noqa: SIM118 -- not a mapping
                    if key.endswith(EMBEDDINGS) and "talker" not in key:
                        return _named(path, weights.get_slice(key).get_dtype())
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{path} cannot be read: {error}") from error
    raise CheckpointError(f"{folder} has no {EMBEDDINGS}; is a shard of the checkpoint missing?")


def _named(path: Path, dtype: str) -> str:
    if dtype not in DTYPES:
        raise CheckpointError(
            f"{path} keeps its embeddings as {dtype}; expected {', '.join(DTYPES)}"
        )
    return DTYPES[dtype]
