"""Weight files of a folder, and their headers; no weight is read."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roma_ros.thinker.checkpoint_check.files import (
    MODEL_BYTES,
    PLAIN_NAME,
    check_regular,
    is_there,
    parse_json,
    read_json,
    shown,
)
from roma_ros.thinker.errors import CheckpointError

__all__ = [
    "INDEX_NAME",
    "WEIGHTS_NAME",
    "StoredTensor",
    "has_weights",
    "read_header",
    "weight_files",
]

WEIGHTS_NAME = "model.safetensors"
INDEX_NAME = "model.safetensors.index.json"
BITS = {
    **{"BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8},
    **{"F8_E5M2FNUZ": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6},
    **{"U16": 16, "I16": 16, "F16": 16, "BF16": 16},
    **{"U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64, "C64": 64},
}
MAX_HEADER = 20_000_000  # bytes; a shard of a large model has 100 kB
MAX_AXES = 8
COPY = "copy the file again"


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Entry of a header: one tensor of a weight file.

    Attributes:
        file: file that holds the tensor.
        dtype: name of the dtype in safetensors, such as `BF16`.
        shape: may have no axis.
        begin: byte of the file where its values begin.
        bytes: size of its values.
    """

    file: Path
    dtype: str
    shape: tuple[int, ...]
    begin: int
    bytes: int


def has_weights(folder: Path) -> bool:
    """Return whether a folder has a file of weights, or an index of several, by its name."""
    return is_there(folder / WEIGHTS_NAME) or is_there(folder / INDEX_NAME)


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold the backbone's weights, as transformers chooses them.

    Raises:
        CheckpointError: there are none, or the index names anything but `.safetensors` files of
            the folder.
    """
    if is_there(folder / WEIGHTS_NAME):
        return [folder / WEIGHTS_NAME]
    index = folder / INDEX_NAME
    if not is_there(index):
        pickles = sorted(path.name for path in folder.glob("*.bin"))[:3]
        hint = f"; {pickles} are pickles, which are never loaded" if pickles else ""
        raise CheckpointError(
            f"{folder} has no .safetensors weights: expected {WEIGHTS_NAME}, or shards with "
            f"{INDEX_NAME}{hint}"
        )
    values = read_json(index)
    names = values.get("weight_map") if isinstance(values, dict) else None
    if not isinstance(names, dict) or not names:
        raise CheckpointError(
            f"{index}: weight_map is {shown(names)}; expected an object that names the file of "
            f"each weight. {COPY.capitalize()}"
        )
    found: dict[str, list[str]] = defaultdict(list)
    for weight, name in names.items():
        if not isinstance(name, str) or PLAIN_NAME.fullmatch(name) is None:
            raise CheckpointError(
                f"{index}: {shown(weight)} is in {shown(name)}; expected the name of a file "
                "beside the index"
            )
        if not name.endswith(".safetensors"):
            raise CheckpointError(
                f"{index}: {shown(weight)} is in {shown(name)}; expected a .safetensors file: "
                "nothing else is ever read"
            )
        found[name].append(weight)
    return _indexed(folder, index, found)


def _indexed(folder: Path, index: Path, files: Mapping[str, list[str]]) -> list[Path]:
    for name, weights in sorted(files.items()):
        if not is_there(folder / name):
            raise CheckpointError(
                f"{folder / name} is missing, which {index.name} names; is a shard of the "
                "checkpoint missing? Copy it again"
            )
        header = read_header(folder / name)
        if lacking := [weight for weight in weights if weight not in header]:
            raise CheckpointError(
                f"{folder / name} lacks {shown(lacking[0])}, which {index.name} says it holds; "
                "the index and the shards are of different checkpoints: copy them again"
            )
    return [folder / name for name in sorted(files)]


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Read the header of a safetensors file, and check it against the file's size.

    Raises:
        CheckpointError: it is no such file, or is cut off, or the header contradicts itself.
    """
    check_regular(path, MODEL_BYTES)
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if len(start) < 8 or not 2 <= length <= min(MAX_HEADER, size - 8):
                raise _damaged(path, start, size)
            values = parse_json(file.read(length))
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read: its header is damaged ({shown(error)}); {COPY}"
        ) from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: the header is {shown(values)}; expected an object: {COPY}")
    values.pop("__metadata__", None)
    found = {name: _tensor(path, 8 + length, name, entry) for name, entry in values.items()}
    end = 8 + length
    for name, tensor in sorted(found.items(), key=lambda item: (item[1].begin, item[1].bytes)):
        if tensor.begin != end:
            raise CheckpointError(
                f"{path}: {shown(name)} begins at byte {tensor.begin:,}; expected {end:,}, where "
                f"the one before it ends: {COPY}"
            )
        end += tensor.bytes
    if end != size:
        raise CheckpointError(
            f"{path} has {size:,} bytes; expected {end:,} by its header: it is cut off or damaged, "
            f"{COPY}"
        )
    return found


def _damaged(path: Path, start: bytes, size: int) -> CheckpointError:
    if start == b"version ":
        return CheckpointError(
            f"{path} is a pointer of Git LFS, not the weights; run `git lfs pull` in the folder"
        )
    return CheckpointError(
        f"{path} cannot be read: {size:,} bytes do not hold the header that its first eight "
        f"bytes announce ({int.from_bytes(start, 'little'):,} bytes); {COPY}"
    )


def _tensor(path: Path, data: int, name: str, entry: Any) -> StoredTensor:
    expected = f"expected dtype, shape and data_offsets that agree: {COPY}"
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        whole = all(type(value) is int and value >= 0 for value in (*shape, begin, end))
        bits = BITS[dtype] * math.prod(shape) if whole and len(shape) <= MAX_AXES else -1
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: {shown(name)} is {shown(entry)}; {expected}") from error
    if bits != 8 * (end - begin):
        raise CheckpointError(f"{path}: {shown(name)} is {shown(entry)}; {expected}")
    return StoredTensor(path, dtype, tuple(shape), data + begin, end - begin)
