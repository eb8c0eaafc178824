"""One thinker whatever version of transformers holds it, and files that do not tell which it was.

`test/exchange.py` does the same between two environments: `make test-newest`, `make test-lowest`.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import load_file, save_file

import roma_ros.models
from roma_ros.quantize.bundle_writer import BundleSettings, write_bundle
from roma_ros.quantize.recipe import Recipe
from roma_ros.quantize.source import stored_dtype
from roma_ros.thinker import RomaThinker
from roma_ros.thinker.bundle import BundleFile, Manifest
from roma_ros.thinker.qwen_omni import (
    audio_tower,
    named_parts,
    released_name,
    rotary_frequencies,
    text_model,
    vision_tower,
)
from roma_ros.training.lora import Adapters, merge_adapters
from roma_ros.training.settings import LoraSettings

MEASURED = [0.0012176, 0.0051698, 0.0092062]
ROMA_TINY = Path(roma_ros.models.__file__).parent / "roma_tiny"


def nested(name: str) -> str:
    """A released name as transformers from 5.21 on calls it in its model."""
    if name.startswith("model."):
        return f"model.language_model.{name.removeprefix('model.')}"
    return f"model.{name}" if name.startswith(("visual.", "audio_tower.")) else name


def rename(file: Path, prefix: str = "") -> None:
    """Give a file's weights the names of a newer transformers."""
    weights = {prefix + nested(name): value for name, value in load_file(file).items()}
    save_file(weights, file, metadata={"format": "pt"})


def decided(thinker: RomaThinker, make_unit) -> list[float]:
    with thinker.open_session("alert me when you hear a beep") as session:
        found = [session.step(make_unit(index, height=240, width=320)) for index in range(3)]
    return [step.p_speak for step in found]


@pytest.fixture
def folder(tiny: RomaThinker, tmp_path: Path) -> Path:
    tiny.save_pretrained(tmp_path / "tiny")
    return tmp_path / "tiny"


def test_the_embedded_checkpoint_decides_as_it_did_when_it_was_measured(make_unit) -> None:
    """The same bits with transformers 5.20.0 and 5.24.0, with torch 2.8 and 2.13."""
    assert decided(RomaThinker.from_pretrained("roma_tiny"), make_unit) == pytest.approx(
        MEASURED, abs=2e-5
    )


def test_parts_are_found(tiny: RomaThinker) -> None:
    config = tiny.backbone.config
    assert len(text_model(tiny.backbone).layers) == config.text_config.num_hidden_layers
    assert len(vision_tower(tiny.backbone).blocks) == config.vision_config.depth
    assert len(audio_tower(tiny.backbone).layers) == config.audio_config.encoder_layers
    width = config.text_config.hidden_size // config.text_config.num_attention_heads
    assert rotary_frequencies(tiny.backbone).shape == (width // 2,)


@pytest.mark.parametrize(
    ("name", "released"),
    [
        ("model.language_model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight"),
        ("model.language_model", "model"),
        ("model.visual.blocks.1.norm1.weight", "visual.blocks.1.norm1.weight"),
        ("model.audio_tower.conv1.bias", "audio_tower.conv1.bias"),
        ("model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.up_proj.weight"),
        ("visual.blocks.1.norm1.weight", "visual.blocks.1.norm1.weight"),
        ("lm_head.weight", "lm_head.weight"),
    ],
)
def test_released_names(name: str, released: str) -> None:
    assert released_name(name) == released
    assert released_name(nested(released)) == released


def test_parts_are_named_at_both_places_once() -> None:
    both = ["visual", "model.visual", "lm_head"]
    assert named_parts(["visual", "lm_head"]) == named_parts(both) == both


def test_files_hold_released_names(folder: Path) -> None:
    assert set(load_file(folder / "model.safetensors")) == set(
        load_file(ROMA_TINY / "model.safetensors")
    )


@pytest.mark.parametrize("prefix", ["", "thinker."])
def test_newer_names_are_read_and_not_kept(
    tiny: RomaThinker, folder: Path, tmp_path: Path, make_unit, prefix: str
) -> None:
    before = set(load_file(folder / "model.safetensors"))
    rename(folder / "model.safetensors", prefix)
    loaded = RomaThinker.from_pretrained(folder)
    assert decided(loaded, make_unit) == decided(tiny, make_unit)
    assert stored_dtype(folder) == "float32"
    loaded.save_pretrained(tmp_path / "again")
    assert set(load_file(tmp_path / "again" / "model.safetensors")) == before


def test_newer_names_in_shards(tiny: RomaThinker, folder: Path, make_unit) -> None:
    file = folder / "model.safetensors"
    weights = {nested(name): value for name, value in load_file(file).items()}
    file.unlink()
    save_torch_state_dict(weights, folder, max_shard_size="3MB")
    assert len(list(folder.glob("model-*.safetensors"))) > 3
    assert decided(RomaThinker.from_pretrained(folder), make_unit) == decided(tiny, make_unit)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["nf4", "int8"])
@pytest.mark.parametrize("names", ["released", "newer"])
def test_bundles_of_older_and_newer_versions(
    folder: Path, tmp_path: Path, make_unit, recipe: str, names: str
) -> None:
    """Older ones name the parts that are kept by their old place alone."""
    bundle = tmp_path / "bundle"
    write_bundle(BundleSettings(model=str(folder), recipe=Recipe.find(recipe)), bundle)
    expected = decided(RomaThinker.from_pretrained(bundle, device="cpu"), make_unit)
    config = json.loads((bundle / "config.json").read_text())
    kept = ["visual", "audio_tower", "lm_head", "embed_tokens"]
    if names == "newer":
        rename(bundle / "model.safetensors")
        kept = ["model.visual", "model.audio_tower", "lm_head", "embed_tokens"]
    config["quantization_config"]["llm_int8_skip_modules"] = kept
    (bundle / "config.json").write_text(json.dumps(config))
    resign(bundle)
    assert decided(RomaThinker.from_pretrained(bundle, device="cpu"), make_unit) == expected


def resign(bundle: Path) -> None:
    file = bundle / "manifest.json"
    manifest = json.loads(file.read_text())
    for name in Manifest.read(bundle).files:
        entry = BundleFile.of(bundle / name)
        manifest["files"][name] = {"bytes": entry.bytes, "sha256": entry.sha256}
    file.write_text(json.dumps(manifest))


@pytest.mark.slow
@pytest.mark.parametrize("names", ["released", "newer"])
def test_adapters_of_older_and_newer_versions(tmp_path: Path, make_unit, names: str) -> None:
    thinker = RomaThinker.from_pretrained(ROMA_TINY)
    plain = decided(thinker, make_unit)
    torch.manual_seed(0)
    adapters = Adapters.on(thinker.backbone, LoraSettings(rank=4, alpha=8))
    for name, value in thinker.backbone.named_parameters():
        if ".lora_B" in name:
            torch.nn.init.normal_(value, std=0.05)
    thinker.backbone.eval()
    expected = decided(thinker, make_unit)
    assert expected != pytest.approx(plain, abs=1e-3)
    adapters.save(tmp_path)
    file = tmp_path / "adapter_model.safetensors"
    start = "base_model.model."
    assert all(name.startswith(f"{start}model.layers.") for name in load_file(file))
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    layers = r"model\.layers\.\d+"  # as version 0.1.0 wrote it
    if names == "newer":
        weights = load_file(file)
        renamed = {start + nested(name.removeprefix(start)): weights[name] for name in weights}
        save_file(renamed, file, metadata={"format": "pt"})
        layers = r"model\.language_model\.layers\.\d+"
    config["target_modules"] = config["target_modules"].replace(
        r"model\.(?:language_model\.)?layers\.\d+", layers
    )
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    merged = RomaThinker.from_pretrained(ROMA_TINY)
    merged.backbone = merge_adapters(merged.backbone, tmp_path)
    assert decided(merged, make_unit) == pytest.approx(expected, abs=1e-4)
