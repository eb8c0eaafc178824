"""Checks of the files of a model folder: regular, inside the folder, of bounded size."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from roma_ros.thinker.errors import CheckpointError

__all__ = ["check_folder_files", "check_regular", "is_there", "parse_json", "read_json", "shown"]

KILOBYTE, MEGABYTE = 10**3, 10**6
READ_FILES = {
    "config.json": MEGABYTE,
    "roma_config.json": MEGABYTE,
    "preprocessor_config.json": MEGABYTE,
    "processor_config.json": MEGABYTE,
    "generation_config.json": MEGABYTE,
    "system_prompt.txt": 100 * KILOBYTE,
    "manifest.json": MEGABYTE,
    "model.safetensors.index.json": 20 * MEGABYTE,
    "tokenizer.json": 32 * MEGABYTE,
    "tokenizer_config.json": 4 * MEGABYTE,
    "special_tokens_map.json": MEGABYTE,
    "added_tokens.json": MEGABYTE,
    "vocab.json": 32 * MEGABYTE,
    "merges.txt": 32 * MEGABYTE,
    "chat_template.jinja": MEGABYTE,
    "chat_template.json": MEGABYTE,
    "quantize_config.json": MEGABYTE,
}
"""Files that we or transformers read by their names, and the most bytes of each."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
"""Of a file that another file may name."""
MODEL_BYTES = 10**12
"""The most bytes of a file of weights."""
WEIGHTS = (".safetensors", ".onnx", ".onnx.data")
REFUSED_FILES = {
    "adapter_config.json": "transformers would add the adapter to the weights; merge it into "
    "them, as `roma train` does, or move it out of the folder",
}
TEMPLATES = "additional_chat_templates"
MAX_ENTRIES = 10_000
MAX_DEPTH = 64
MAX_BRACKETS = 1_000_000  # each costs 100 bytes and a microsecond; Qwen's tokenizer has 152,000
KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def check_folder_files(folder: Path) -> None:
    """Check every file of a folder that is read when a model is loaded; nothing is opened.

    Files that are never read, such as `README.md`, `*.bin` or `*.pt`, may be anything.

    Raises:
        CheckpointError: a file is a link to elsewhere, no regular file, larger than its kind ever
            is, or one that transformers would pick up and change the model with.
    """
    try:
        names = _names(folder)
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be listed: {error}") from error
    for name in sorted(names):
        if name in REFUSED_FILES:
            raise CheckpointError(f"{folder / name} is there; {REFUSED_FILES[name]}")
        if (most := _limit(name)) is not None:
            check_regular(folder / name, most)
    if TEMPLATES in names:
        raise CheckpointError(
            f"{folder / TEMPLATES} is there; chat templates are not used, remove the folder"
        )


def check_regular(path: Path, most: int) -> None:
    """Check that a path is a regular file of its folder with at most `most` bytes.

    A link may lead to another file of the folder, or as the Hugging Face cache has it, from
    `snapshots/<revision>/` to `blobs/`.

    Raises:
        CheckpointError: it is something else.
    """
    try:
        if path.is_symlink() and not _is_inside(path):
            raise CheckpointError(
                f"{path} is a link to {shown(os.readlink(path))}; expected a file inside the "
                "folder: copy the file itself"
            )
        status = path.stat()
    except OSError as error:
        reason = error.strerror or error
        raise CheckpointError(
            f"{path} cannot be opened: {reason}; copy the checkpoint again"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = next((kind for test, kind in KINDS if test(status.st_mode)), "no file")
        raise CheckpointError(f"{path} is {kind}; expected a regular file: copy it again")
    if status.st_size > most:
        raise CheckpointError(
            f"{path} has {status.st_size:,} bytes; expected at most {most:,}: copy it again"
        )


def is_there(path: Path) -> bool:
    """Return whether a name exists in its folder, be it a link that leads nowhere."""
    return os.path.lexists(path)


def read_json(path: Path) -> Any:
    """Read a JSON file of bounded size and depth, with finite numbers and each key once.

    Args:
        path: one of `READ_FILES` by its name.

    Raises:
        CheckpointError: it is no such file.
    """
    check_regular(path, READ_FILES.get(path.name, MEGABYTE))
    try:
        return parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read as JSON: {shown(error)}; copy the file again"
        ) from error


def parse_json(data: bytes) -> Any:
    """Parse JSON in UTF-8, with the limits of `read_json`.

    Raises:
        ValueError: it is no JSON, or beyond the limits.
    """
    if (count := data.count(b"[") + data.count(b"{")) > MAX_BRACKETS:
        raise ValueError(f"it has {count:,} lists and objects; expected at most {MAX_BRACKETS:,}")
    try:
        values = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_finite,
        )
    except RecursionError as error:
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}") from error
    if _is_deep(values):
        raise ValueError(f"it is nested deeper than {MAX_DEPTH}")
    return values


def shown(value: object, most: int = 80) -> str:
    """Return a value as text for a message: one line of at most `most` characters."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = " ".join(text[: 4 * most].split())
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _names(folder: Path) -> set[str]:
    names: set[str] = set()
    with os.scandir(folder) as entries:
        for entry in entries:
            names.add(entry.name)
            if len(names) > MAX_ENTRIES:
                raise CheckpointError(
                    f"{folder} has more than {MAX_ENTRIES:,} files; expected a model folder"
                )
    return names


def _limit(name: str) -> int | None:
    if name in READ_FILES:
        return READ_FILES[name]
    return MODEL_BYTES if name.endswith(WEIGHTS) else None


def _is_inside(path: Path) -> bool:
    folder, target = (Path(os.path.realpath(place)) for place in (path.parent, path))
    if target.is_relative_to(folder):
        return True
    return folder.parent.name == "snapshots" and target.parent == folder.parent.parent / "blobs"


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {shown(key)} is there twice")
        found[key] = value
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number of JSON")


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{shown(text)} is beyond the range of numbers")
    return value


def _is_deep(values: Any) -> bool:
    """Return whether objects and lists are nested deeper than `MAX_DEPTH`."""
    level = [values]
    for _ in range(MAX_DEPTH):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict | list):
                items = value.values() if isinstance(value, dict) else value
                inner += [item for item in items if isinstance(item, dict | list)]
        if not inner:
            return False
        level = inner
    return True
