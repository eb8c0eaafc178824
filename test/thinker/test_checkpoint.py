"""Model folders: ours, stock ones, whole Omni checkpoints, and broken ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5OmniConfig

from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.thinker.qwen_omni import released_name


@pytest.fixture(scope="module")
def saved(tiny: RomaThinker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    tiny.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


def p_first(thinker: RomaThinker, make_unit) -> float | None:
    with thinker.open_session("alert me when you hear a beep") as session:
        return session.step(make_unit(0)).p_speak


def test_saved_equals_loaded(tiny: RomaThinker, folder: Path, make_unit) -> None:
    again = RomaThinker.from_pretrained(folder)
    assert p_first(again, make_unit) == p_first(tiny, make_unit)
    assert again.config == tiny.config
    assert not list(folder.glob("*.bin"))


def test_a_whole_sharded_omni_checkpoint_loads_its_thinker_only(
    tiny: RomaThinker, folder: Path, make_unit
) -> None:
    state = tiny.backbone.state_dict()
    weights = {f"thinker.{released_name(name)}": value for name, value in state.items()}
    weights.pop("thinker.lm_head.weight")  # tied
    weights["talker.model.embed_tokens.weight"] = torch.zeros(8, 8)
    (folder / "model.safetensors").unlink()
    save_torch_state_dict(weights, folder, max_shard_size="3MB")
    assert len(list(folder.glob("model-*.safetensors"))) > 3
    whole = Qwen2_5OmniConfig(thinker_config=tiny.backbone.config.to_dict())
    whole.save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text())["model_type"] == "qwen2_5_omni"
    loaded = RomaThinker.from_pretrained(folder)
    assert p_first(loaded, make_unit) == p_first(tiny, make_unit)
    assert not any("talker" in name for name in loaded.backbone.state_dict())


def test_a_stock_checkpoint_has_no_p_but_answers(folder: Path, make_unit) -> None:
    (folder / "speak_head.safetensors").unlink()
    (folder / "roma_config.json").unlink()
    (folder / "preprocessor_config.json").unlink()
    thinker = RomaThinker.from_pretrained(folder)
    assert not thinker.has_speak_source
    with thinker.open_session() as session:
        assert session.step(make_unit(0)).p_speak is None
        with session.branch() as branch:
            assert branch.answer("what is there?")


def test_a_speak_head_of_another_width(folder: Path) -> None:
    head = load_file(folder / "speak_head.safetensors")
    head["fc1.weight"] = torch.zeros(48, 256)
    save_file(head, folder / "speak_head.safetensors")
    with pytest.raises(CheckpointError, match=r"'fc1.weight': \(48, 256\).*expected.*\(48, 192\)"):
        RomaThinker.from_pretrained(folder)


def test_a_checkpoint_without_a_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(CheckpointError, match="no tokenizer"):
        RomaThinker.from_pretrained(folder)


def test_a_tokenizer_without_qwens_tokens(folder: Path) -> None:
    file = folder / "tokenizer.json"
    file.write_text(file.read_text().replace("<|audio_bos|>", "<|other|>"))
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(CheckpointError, match="audio_bos"):
        RomaThinker.from_pretrained(folder)


def test_a_missing_weight_is_not_made_up(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.3.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"lacks 1 weights.*layers.3.mlp.up_proj"):
        RomaThinker.from_pretrained(folder)


def test_a_truncated_file(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:10_000])
    with pytest.raises(CheckpointError, match=r"model.safetensors cannot be read: 10,000 bytes"):
        RomaThinker.from_pretrained(folder)


def test_pickles_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "speak_head.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model.bin.*pickles.*never loaded"):
        RomaThinker.from_pretrained(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{", "cannot be read"),
        ('{"colour": 1}', "unknown keys"),
        ('{"speak_layer_ids": [-9]}', "do not exist in 6 layers"),
        ('{"max_pixels": 10}', "expected 784 <="),
        ('{"speak_layer_ids": []}', "empty"),
    ],
)
def test_bad_roma_config(folder: Path, settings: str, message: str) -> None:
    (folder / "roma_config.json").write_text(settings)
    with pytest.raises(CheckpointError, match=message):
        RomaThinker.from_pretrained(folder)


def test_unknown_folder_and_foreign_model(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no model folder 'no/such'.*Nothing is downloaded"):
        RomaThinker.from_pretrained("no/such")
    (folder / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(CheckpointError, match="'llama'; expected"):
        RomaThinker.from_pretrained(folder)
    (folder / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="None; expected"):
        RomaThinker.from_pretrained(folder)


def test_unknown_device_dtype_and_quantization() -> None:
    for device in ("toaster", "meta"):
        with pytest.raises(ValueError, match=f"'{device}'; expected auto, cpu, cuda"):
            RomaThinker.from_pretrained("roma_tiny", device=device)
    with pytest.raises(ValueError, match="dtype is 'int3'; expected auto or one of"):
        RomaThinker.from_pretrained("roma_tiny", dtype="int3")
    with pytest.raises(ValueError, match="'int2'; expected one of none, nf4, int8"):
        RomaThinker.from_pretrained("roma_tiny", quantization="int2")


@pytest.mark.parametrize(
    ("name", "keys", "value"),
    [
        ("preprocessor_config.json", ["image_std"], {"a": 1}),
        ("tokenizer.json", ["added_tokens", 0, "id"], {}),
        ("config.json", ["text_config"], 7),
        ("config.json", ["text_config", "hidden_size"], "wide"),
        ("roma_config.json", ["max_pixels"], []),
    ],
)
def test_a_value_of_another_type_is_a_checkpoint_error(
    folder: Path, name: str, keys: list[str | int], value: object
) -> None:
    """Whatever the library that reads it raises."""
    values = json.loads((folder / name).read_text())
    node = values
    for key in keys[:-1]:
        node = node[key]
    node[keys[-1]] = value
    (folder / name).write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match="model"):
        RomaThinker.from_pretrained(folder, device="cpu")


@pytest.mark.parametrize("argument", [{"device": "toaster"}, {"dtype": "int3"}])
def test_a_wrong_argument_stays_a_value_error(folder: Path, argument: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        RomaThinker.from_pretrained(folder, **argument)
