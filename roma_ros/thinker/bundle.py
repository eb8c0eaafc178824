"""A bundle: a model folder with a manifest that names and hashes every file in it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

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
MAX_MANIFEST_BYTES = 1_000_000
KINDS = (".data", ".jinja", ".json", ".onnx", ".safetensors", ".txt")
"""What a bundle may hold: none of them carries code. `.onnx.data` are weights of an ONNX file."""
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
SHA256 = re.compile(r"[0-9a-f]{64}")
PIECE = 1 << 20  # bytes hashed at a time


@dataclass(frozen=True, slots=True)
class BundleFile:
    """What a file must be: its length in bytes, and its SHA-256 in hexadecimal."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> BundleFile:
        return cls(path.stat().st_size, file_sha256(path))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What `manifest.json` says of a bundle.

    Attributes:
        source: name of the checkpoint that it was made from.
        source_sha256: of the names and hashes of that checkpoint's weights and config.
        recipe: how each part is stored, as in the recipe's file.
        versions: of the libraries that made it, by name.
        created: when, in ISO 8601.
        files: every file but the manifest, by name.
        frame_size: width and height in pixels that frames are resized to by the one shape of
            `vision.onnx`; `None` for a bundle that takes any.
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
        """Of all files, without the manifest."""
        return sum(file.bytes for file in self.files.values())

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read `manifest.json`; the files themselves are not looked at.

        Raises:
            CheckpointError: it cannot be read, is of another format, or names a file that no
                bundle may hold.
        """
        path = folder / MANIFEST_NAME
        try:
            if (size := path.stat().st_size) > MAX_MANIFEST_BYTES:
                raise CheckpointError(f"{path} has {size} bytes; no manifest is that long")
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise CheckpointError(f"{path} cannot be read as JSON: {error}") from error
        found = values.pop("format", None) if isinstance(values, dict) else None
        if found != FORMAT:
            raise CheckpointError(
                f"{path} has format {found!r}; expected {FORMAT!r}. "
                "Make the bundle again with this version of `roma quantize`"
            )
        try:
            files = dict(values.pop("files"))
            if (size := values.pop("frame_size", None)) is not None:
                width, height = size
                values["frame_size"] = int(width), int(height)
            manifest = cls(files={name: BundleFile(**files[name]) for name in files}, **values)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{path} is not a bundle's manifest: {error}") from error
        for name, file in manifest.files.items():
            _check_entry(path, name, file)
        return manifest

    def write(self, folder: Path) -> None:
        """Write `manifest.json`; what stood there before is replaced at once."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False)
        draft = folder / f".{MANIFEST_NAME}.part"
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(folder / MANIFEST_NAME)


def is_bundle(folder: Path) -> bool:
    """Whether the folder says that it is one."""
    return (folder / MANIFEST_NAME).exists()


def check_bundle(folder: Path) -> Manifest:
    """Compare every file with the manifest, which takes about a second per gigabyte.

    Raises:
        CheckpointError: a file is missing, changed, not named, a link to elsewhere, or of a kind
            that no bundle holds; the message names it.
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
    """SHA-256 of a file of any length, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _check_entry(path: Path, name: str, file: BundleFile) -> None:
    if not PLAIN_NAME.fullmatch(name) or name == MANIFEST_NAME:
        raise CheckpointError(
            f"{path} names the file {name!r}; expected plain names of files beside it"
        )
    if Path(name).suffix not in KINDS:
        raise CheckpointError(f"{path} names {name!r}; a bundle holds {', '.join(KINDS)} files")
    if type(file.bytes) is not int or file.bytes < 0:
        raise CheckpointError(f"{path} gives {name} {file.bytes!r} bytes; expected a number")
    if not isinstance(file.sha256, str) or not SHA256.fullmatch(file.sha256):
        raise CheckpointError(f"{path} gives {name} no SHA-256 of 64 hexadecimal digits")


def _check_file(folder: Path, name: str, file: BundleFile) -> None:
    path = folder / name
    if path.is_symlink() and path.resolve().parent != folder.resolve():
        raise CheckpointError(f"{path} is a link out of the bundle; copy the file itself")
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; copy the whole bundle again")
    if (size := path.stat().st_size) != file.bytes:
        raise CheckpointError(
            f"{path} has {size} bytes, its manifest says {file.bytes}; copy the bundle again"
        )
    try:
        digest = file_sha256(path)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if digest != file.sha256:
        raise CheckpointError(
            f"{path} is not what its manifest says (SHA-256 {digest[:12]}..., expected "
            f"{file.sha256[:12]}...); copy the bundle again, or make it again after a change"
        )
