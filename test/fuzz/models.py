"""Damaged checkpoints and bundles: loaded, or refused by a CheckpointError."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from values import edge_integer, mutated, random_text

import roma_ros.models
from roma_ros.quantize.bundle_writer import BundleSettings, write_bundle
from roma_ros.quantize.recipe import Recipe
from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.thinker.bundle import MANIFEST_NAME, BundleFile, Manifest

__all__ = ["models"]


@cache
def _sources() -> list[Path]:
    """A checkpoint, and a bundle made of it."""
    checkpoint = Path(roma_ros.models.__path__[0], "roma_tiny")
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    order = BundleSettings(model=str(checkpoint), recipe=Recipe.find("int8"))
    write_bundle(order, folder / "bundle")
    return [checkpoint, folder / "bundle"]


def _other_value(rng: np.random.Generator) -> Any:
    return [
        None,
        True,
        -1,
        edge_integer(rng, 63, True),
        float(rng.normal()),
        1e308,
        random_text(rng),
        [],
        {},
        [random_text(rng)],
        {"a": {"b": []}},
    ][int(rng.integers(11))]


def _damage_json(rng: np.random.Generator, text: str) -> str:
    """Another value, or none, for one of its fields, however deep."""
    values = json.loads(text)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)) and len(places) < 2000:
                walk(node[key])

    walk(values)
    if not places:
        return text
    node, key = places[int(rng.integers(len(places)))]
    if rng.random() < 0.25:
        del node[key]
    else:
        node[key] = _other_value(rng)
    return json.dumps(values)


def _damage(rng: np.random.Generator, folder: Path) -> str:
    """Damage one file; returns its name if it is still there."""
    files = sorted(path for path in folder.iterdir() if path.suffix in (".json", ".safetensors"))
    path = files[int(rng.integers(len(files)))]
    data = path.read_bytes()
    path.unlink()  # it is a link to the good one
    kind = rng.integers(5)
    if kind == 0:
        return ""
    if path.suffix == ".json" and kind > 1:
        path.write_text(_damage_json(rng, data.decode()))
    elif path.suffix == ".safetensors" and kind > 2:  # its header is JSON behind its length
        length = int.from_bytes(data[:8], "little")
        header = _damage_json(rng, data[8 : 8 + length].decode()).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])
    else:
        path.write_bytes(mutated(rng, data))
    return path.name


def _sign_again(folder: Path, name: str) -> None:
    """Let the manifest of a bundle agree with a damaged file: somebody else may have made it."""
    manifest = Manifest.read(folder)
    files = {**manifest.files, name: BundleFile.of(folder / name)}
    replace(manifest, files=files).write(folder)


def models(rng: np.random.Generator) -> str:
    """One damaged folder."""
    sources = _sources()
    source = sources[int(rng.integers(len(sources)))]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "model")
        shutil.copytree(source, folder, copy_function=_link)
        name = _damage(rng, folder)
        if source != sources[0] and name and name != MANIFEST_NAME and rng.random() < 0.7:
            _sign_again(folder, name)
        kind = "checkpoint" if source == sources[0] else "bundle"
        try:
            RomaThinker.from_pretrained(folder, device="cpu")
        except CheckpointError as error:
            if not str(error):
                raise ValueError("an error without a word") from error
            return f"{kind}: CheckpointError"
    return f"{kind}: loaded"


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)
