"""GPTQ by optimum and gptqmodel, where `make gptq` has added them; refused where it has not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from roma_ros.quantize.bundle_writer import BundleSettings, write_bundle
from roma_ros.quantize.errors import RecipeError
from roma_ros.quantize.recipe import Recipe
from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.thinker.quantization import gptq_missing

needs_gptq = pytest.mark.skipif(bool(gptq_missing()), reason="`make gptq` has not been run")


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("gptq") / "bundle"
    write_bundle(BundleSettings(model=str(checkpoint), recipe=Recipe.find("gptq4")), out)
    return out


@needs_gptq
def test_a_bundle_decides_as_its_source_does(checkpoint: Path, bundle: Path, series) -> None:
    weights = load_file(bundle / "model.safetensors")
    assert weights["model.layers.0.mlp.up_proj.qweight"].dtype == torch.int32
    assert "model.layers.0.mlp.up_proj.weight" not in weights
    assert "visual.patch_embed.proj.weight" in weights
    source = series(RomaThinker.from_pretrained(checkpoint, device="cpu", dtype="bfloat16"))
    loaded = series(RomaThinker.from_pretrained(bundle, device="cpu"))
    assert loaded == pytest.approx(source, abs=0.05)
    assert loaded == series(RomaThinker.from_pretrained(bundle, device="cpu"))


@needs_gptq
def test_its_manifest_names_what_made_it(bundle: Path) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["recipe"]["backbone"] == "gptq4"
    assert {"optimum", "gptqmodel"} <= set(manifest["versions"])


@pytest.mark.skipif(not gptq_missing(), reason="GPTQ's libraries are installed")
def test_without_the_libraries_it_says_how_to_get_them(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gptq4 needs optimum and gptqmodel.*`make gptq`"):
        write_bundle(
            BundleSettings(model=str(checkpoint), recipe=Recipe.find("gptq4")), tmp_path / "bundle"
        )
    RomaThinker.from_pretrained(checkpoint, device="cpu").save_pretrained(tmp_path / "stored")
    config = tmp_path / "stored" / "config.json"
    values = json.loads(config.read_text())
    config.write_text(json.dumps({**values, "quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(CheckpointError, match=r"GPTQ weights, which need optimum.*`make gptq`"):
        RomaThinker.from_pretrained(tmp_path / "stored", device="cpu")
