"""Hash and dtype of the checkpoint that a bundle is made of."""

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
    """Return the SHA-256 of the names and hashes of weights and config.json, in hexadecimal."""
    digest = hashlib.sha256()
    for path in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
        digest.update(f"{path.name} {file_sha256(path)}\n".encode())
    return digest.hexdigest()


def stored_dtype(folder: Path) -> str:
    """Return the name of the dtype of a checkpoint's text embeddings.

    Raises:
        CheckpointError: it has no text embeddings, or they have another dtype than float32,
            float16 or bfloat16.
    """
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as weights:
                for key in weights.keys():  # noqa: SIM118 -- not a mapping
                    if key.endswith(EMBEDDINGS) and "talker" not in key:
                        return _named(path, weights.get_slice(key).get_dtype())
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{path} cannot be read: {error}") from error
    raise CheckpointError(
        f"{folder} has no {EMBEDDINGS}; expected it in a shard. Is a shard missing?"
    )


def _named(path: Path, dtype: str) -> str:
    if dtype not in DTYPES:
        raise CheckpointError(
            f"{path}: the embeddings are {dtype}; expected one of {', '.join(DTYPES)}"
        )
    return DTYPES[dtype]
