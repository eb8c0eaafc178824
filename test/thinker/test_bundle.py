"""A bundle is what its manifest says, or it is not loaded."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.thinker.bundle import BundleFile, Manifest, check_bundle, is_bundle


@pytest.fixture(scope="module")
def whole(tiny: RomaThinker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "bundle"
    folder.mkdir()
    tiny.save_pretrained(folder)
    Manifest(
        source="tiny",
        source_sha256="0" * 64,
        recipe={"name": "none"},
        versions={},
        created="2026-01-01T00:00:00+00:00",
        files={path.name: BundleFile.of(path) for path in folder.iterdir()},
    ).write(folder)
    return folder


@pytest.fixture
def bundle(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "bundle"))


def edit(bundle: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = bundle / "manifest.json"
    values = json.loads(file.read_text())
    change(values)
    file.write_text(json.dumps(values))


@pytest.mark.slow
def test_a_whole_bundle_is_a_checkpoint(bundle: Path, tiny: RomaThinker, make_unit) -> None:
    assert is_bundle(bundle)
    manifest = check_bundle(bundle)
    assert manifest.files["model.safetensors"].bytes == manifest.bytes - sum(
        path.stat().st_size
        for path in bundle.iterdir()
        if path.name not in ("manifest.json", "model.safetensors")
    )
    loaded = RomaThinker.from_pretrained(bundle, device="cpu")
    with tiny.open_session() as one, loaded.open_session() as other:
        assert one.step(make_unit(0)).p_speak == other.step(make_unit(0)).p_speak


def test_what_is_written_is_read(bundle: Path) -> None:
    manifest = Manifest.read(bundle)
    manifest.write(bundle)
    assert Manifest.read(bundle) == manifest


def test_one_changed_bit_is_refused(bundle: Path) -> None:
    file = bundle / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(
        CheckpointError, match=r"model\.safetensors has SHA-256 .*, as its manifest says"
    ):
        RomaThinker.from_pretrained(bundle, device="cpu")


def test_a_cut_file_is_refused(bundle: Path) -> None:
    file = bundle / "tokenizer.json"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"tokenizer\.json has \d+ bytes; expected"):
        check_bundle(bundle)


def test_a_missing_file_is_refused(bundle: Path) -> None:
    (bundle / "roma_config.json").unlink()
    with pytest.raises(CheckpointError, match=r"roma_config\.json is missing"):
        check_bundle(bundle)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model-00002.safetensors", "folder"])
def test_what_the_manifest_does_not_name_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).mkdir() if name == "folder" else (bundle / name).write_bytes(b"")
    with pytest.raises(CheckpointError, match=f"{name} is not in the bundle's manifest"):
        check_bundle(bundle)


def test_a_link_out_of_the_bundle_is_refused(bundle: Path) -> None:
    file = bundle / "config.json"
    file.rename(bundle.parent / "config.json")
    file.symlink_to(bundle.parent / "config.json")
    with pytest.raises(CheckpointError, match=r"config\.json is a link out of the bundle"):
        check_bundle(bundle)


@pytest.mark.parametrize(
    "name", ["../config.json", "/etc/passwd", "a/b.json", "..", "a\\b.json", "manifest.json", ""]
)
def test_names_that_leave_the_folder_are_refused(bundle: Path, name: str) -> None:
    edit(bundle, lambda values: values["files"].update({name: {"bytes": 1, "sha256": "0" * 64}}))
    with pytest.raises(CheckpointError, match="expected plain names"):
        check_bundle(bundle)


@pytest.mark.parametrize("name", ["weights.bin", "model.pt", "data.pkl", "code.py", "config"])
def test_kinds_that_carry_code_are_refused(bundle: Path, name: str) -> None:
    edit(bundle, lambda values: values["files"].update({name: {"bytes": 1, "sha256": "0" * 64}}))
    with pytest.raises(CheckpointError, match=r"expected \.data, \.jinja, "):
        check_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.update(format="roma_bundle/2"), "format 'roma_bundle/2'"),
        (lambda values: values.pop("format"), "format None"),
        (lambda values: values.pop("files"), "not a bundle's manifest"),
        (lambda values: values.update(files=[]), "config.json is not in the bundle's manifest"),
        (lambda values: values.update(colour=1), "not a bundle's manifest"),
        (lambda values: values.update(frame_size=[1]), "not a bundle's manifest"),
        (
            lambda values: values["files"]["config.json"].update(bytes="1"),
            "expected a whole number",
        ),
        (lambda values: values["files"]["config.json"].update(sha256="ab"), "expected 64 hex"),
        (lambda values: values["files"]["config.json"].pop("sha256"), "not a bundle's manifest"),
    ],
)
def test_a_manifest_that_says_something_else(bundle: Path, change, message: str) -> None:
    edit(bundle, change)
    with pytest.raises(CheckpointError, match=message):
        check_bundle(bundle)


@pytest.mark.parametrize("text", ["{", "[]", "1", "[" * 100_000])
def test_a_manifest_that_is_no_manifest(bundle: Path, text: str) -> None:
    (bundle / "manifest.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"manifest\.json"):
        check_bundle(bundle)
