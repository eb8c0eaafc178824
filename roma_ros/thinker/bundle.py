"""Bundles: checkpoint folders with a manifest that lists and hashes every file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from roma_ros.thinker.checkpoint_check.files import PLAIN_NAME, read_json, shown
from roma_ros.thinker.errors import CheckpointError

__all__ = [
    "AUDIO_NAME",
    "MANIFEST_NAME",
    "ONNX_HEAD_NAME",
    "VISION_NAME",
    "BundleFile",
    "Manifest",
    "check_bundle",
    "file_sha256",
    "is_bundle",
]

MANIFEST_NAME = "manifest.json"
VISION_NAME = "vision.onnx"
AUDIO_NAME = "audio.onnx"
ONNX_HEAD_NAME = "speak_head.onnx"

FORMAT = "roma_bundle/1"
KINDS = (".data", ".jinja", ".json", ".onnx", ".safetensors", ".txt")
"""Suffixes of files that a bundle may hold; none can carry code. Weights of ONNX files: `.data`."""
SHA256 = re.compile(r"[0-9a-f]{64}")
PIECE = 1 << 20  # bytes hashed at a time


@dataclass(frozen=True, slots=True)
class BundleFile:
    """Expected content of a file.

    Attributes:
        bytes: length of the file.
        sha256: SHA-256 of its content, 64 hexadecimal digits.
    """

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> BundleFile:
        """Return the length and hash of a file as it is now."""
        return cls(path.stat().st_size, file_sha256(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Content of a bundle's `manifest.json`.

    Attributes:
        source: name of the checkpoint that the bundle was made from.
        source_sha256: SHA-256 over the names and hashes of that checkpoint's weights and config.
        recipe: how each part is stored, as in the recipe's file.
        versions: versions of the libraries that made the bundle, by name.
        created: time of creation, ISO 8601.
        files: every file but the manifest, by name.
        frame_size: width and height in pixels that frames are resized to for `vision.onnx`, which
            takes one shape only; `None` for a bundle that takes any.
        quality: figures of a comparison with the source; empty if there was none.
    """

    source: str
    source_sha256: str
    recipe: Mapping[str, Any]
    versions: Mapping[str, str]
    created: str
    files: Mapping[str, BundleFile]
    frame_size: tuple[int, int] | None = None
    quality: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Total length of all files, without the manifest."""
        return sum(file.bytes for file in self.files.values())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read `manifest.json` of a folder; the files it lists are not opened.

        Raises:
            CheckpointError: the manifest cannot be read, is of another format, or lists a file
                that no bundle may hold.
        """
        path = folder / MANIFEST_NAME
        values = read_json(path)
        found = values.pop("format", None) if isinstance(values, dict) else None
        if found != FORMAT:
            raise CheckpointError(
                f"{path} has format {shown(found)}; expected {FORMAT!r}. "
                "Make the bundle again with this version of `roma quantize`"
            )
        try:
            files = dict(values.pop("files"))
            if (size := values.pop("frame_size", None)) is not None:
                width, height = size
                values["frame_size"] = int(width), int(height)
            manifest = cls(files={name: BundleFile(**files[name]) for name in files}, **values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"{path} is not a bundle's manifest: {shown(error, 200)}"
            ) from error
        for name, file in manifest.files.items():
            _check_entry(path, name, file)
        return manifest

    def write(self, folder: Path) -> None:
        """Write `manifest.json` to a folder; an old one is replaced atomically."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False)
        draft = folder / f".{MANIFEST_NAME}.part"
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(folder / MANIFEST_NAME)


def is_bundle(folder: Path) -> bool:
    """Return whether a folder has a manifest."""
    return (folder / MANIFEST_NAME).exists()


def check_bundle(folder: Path) -> Manifest:
    """Compare every file of a bundle with its manifest; takes about a second per gigabyte.

    Raises:
        CheckpointError: a file is missing, changed, not listed, a link out of the folder, or of a
            kind that no bundle may hold; the message names it.
    """
    manifest = Manifest.read(folder)
    for path in sorted(folder.iterdir()):
        if path.name in manifest.files or path.name == MANIFEST_NAME:
            continue
        raise CheckpointError(
            f"{path} is not in the bundle's manifest; remove it, or make the bundle again"
        )
    for name, file in manifest.files.items():
        _check_file(folder, name, file)
    return manifest


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _check_entry(path: Path, name: str, file: BundleFile) -> None:
    if not PLAIN_NAME.fullmatch(name) or name == MANIFEST_NAME:
        raise CheckpointError(
            f"{path} lists the file {name!r}; expected plain names of files beside it"
        )
    if Path(name).suffix not in KINDS:
        raise CheckpointError(f"{path} lists {name!r}; expected {', '.join(KINDS)} files")
    if type(file.bytes) is not int or file.bytes < 0:
        raise CheckpointError(f"{path} gives {name} {file.bytes!r} bytes; expected a whole number")
    if not isinstance(file.sha256, str) or not SHA256.fullmatch(file.sha256):
        raise CheckpointError(
            f"{path} gives {name} the hash {str(file.sha256)[:64]!r}; expected 64 hex digits"
        )


def _check_file(folder: Path, name: str, file: BundleFile) -> None:
    path = folder / name
    if path.is_symlink() and path.resolve().parent != folder.resolve():
        raise CheckpointError(f"{path} is a link out of the bundle; copy the file itself")
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; copy the whole bundle again")
    if (size := path.stat().st_size) != file.bytes:
        raise CheckpointError(
            f"{path} has {size} bytes; expected {file.bytes}, as its manifest says. "
            "Copy the bundle again"
        )
    try:
        digest = file_sha256(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if digest != file.sha256:
        raise CheckpointError(
            f"{path} has SHA-256 {digest[:12]}...; expected {file.sha256[:12]}..., as its manifest "
            "says. Copy the bundle again, or make it again after a change"
        )
