"""ROMA's public release, as small random weights under its very names.

What the names are is in the reference on its code; its real weights are not here.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from huggingface_hub import save_torch_state_dict
from safetensors.torch import load_file, save_file
from transformers import Qwen2_5OmniConfig

from roma_ros.thinker import CheckpointError, RomaConfig, RomaThinker, SpeakHead
from roma_ros.thinker.qwen_omni import released_name
from roma_ros.thinker.roma_release import release_settings

LAYERS, WIDTH = [-4, -3, -2, -1], 48
NAMES = {
    "mixer": "thinker.gate_mixer.logits",
    "fc1.weight": "thinker.gate_head_pro_fc1.weight",
    "fc1.bias": "thinker.gate_head_pro_fc1.bias",
    "fc2.weight": "thinker.gate_head_pro_fc2.weight",
    "fc2.bias": "thinker.gate_head_pro_fc2.bias",
}
PROMPT = "You are a robot's eyes and ears."


def random_head(layers: int = len(LAYERS), width: int = WIDTH) -> SpeakHead:
    head = SpeakHead(192, layers, width)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        torch.nn.init.normal_(head.mixer)
        for part in (head.fc1, head.fc2):
            torch.nn.init.normal_(part.weight, std=0.1)
            torch.nn.init.normal_(part.bias)
    return head.eval().requires_grad_(False)


def write_release(tiny: RomaThinker, folder: Path, head: SpeakHead, config: dict) -> None:
    """A whole Omni checkpoint in shards, with the head among the thinker's weights."""
    tiny.save_pretrained(folder)
    for name in ("speak_head.safetensors", "roma_config.json", "model.safetensors"):
        (folder / name).unlink()
    state = tiny.backbone.state_dict()
    weights = {f"thinker.{released_name(name)}": value for name, value in state.items()}
    weights.pop("thinker.lm_head.weight")  # tied
    weights |= {NAMES[name]: value for name, value in head.state_dict().items()}
    weights["thinker.gate_head.weight"] = torch.zeros(1, 192)  # of an older kind, not in use
    weights["thinker.gate_head.bias"] = torch.zeros(1)
    weights["talker.model.embed_tokens.weight"] = torch.zeros(8, 8)
    weights["token2wav.code2wav_bigvgan_model.conv_pre.bias"] = torch.zeros(8)
    save_torch_state_dict(weights, folder, max_shard_size="3MB")
    Qwen2_5OmniConfig(thinker_config=tiny.backbone.config.to_dict()).save_pretrained(folder)
    whole = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**whole, **config}))


@pytest.fixture(scope="module")
def release(tiny: RomaThinker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    config = {"gate_layer_ids": LAYERS, "gate_hidden_dim": WIDTH}
    write_release(tiny, folder, random_head(), config)
    assert len(list(folder.glob("model-*.safetensors"))) > 3
    return folder


@pytest.fixture
def folder(release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(release, tmp_path / "release"))


def ours(tiny: RomaThinker, folder: Path, head: SpeakHead, config: RomaConfig) -> RomaThinker:
    """The same weights as we keep them."""
    thinker = RomaThinker(
        backbone=tiny.backbone,
        tokenizer=tiny.tokenizer,
        features=tiny.features,
        config=config,
        speak_head=head,
    )
    thinker.save_pretrained(folder)
    return RomaThinker.from_pretrained(folder)


def probabilities(thinker: RomaThinker, make_unit) -> list[float | None]:
    with thinker.open_session("alert me when you hear a beep") as session:
        return [session.step(make_unit(index)).p_speak for index in range(3)]


@pytest.mark.slow
def test_it_decides_as_the_same_weights_under_our_names(
    tiny: RomaThinker, release: Path, folder: Path, tmp_path: Path, make_unit
) -> None:
    (folder / "system_prompt.txt").write_text(PROMPT + "\n")
    loaded = RomaThinker.from_pretrained(folder)
    config = RomaConfig(system_prompt=PROMPT, min_pixels=784, instructions="spoken")
    same = ours(tiny, tmp_path / "ours", random_head(), config)
    assert loaded.config.system_prompt == PROMPT
    assert loaded.takes_spoken_instructions
    expected = probabilities(same, make_unit)
    assert probabilities(loaded, make_unit) == expected
    assert probabilities(RomaThinker.from_pretrained(release), make_unit) != expected, "its prompt"
    assert not any(name.startswith("gate") for name in loaded.backbone.state_dict())
    # Saved by us, it is what it was, without the release's names.
    loaded.save_pretrained(tmp_path / "again")
    again = RomaThinker.from_pretrained(tmp_path / "again")
    assert again.config.instructions == "spoken"
    assert probabilities(again, make_unit) == expected


@pytest.mark.slow
def test_layers_and_width_come_from_its_config(
    tiny: RomaThinker, folder: Path, tmp_path: Path, make_unit
) -> None:
    shutil.rmtree(folder)
    head = random_head(layers=2, width=24)
    write_release(tiny, folder, head, {})
    config = json.loads((folder / "config.json").read_text())
    config["thinker_config"] |= {"gate_layer_ids": [-6, -2], "gate_hidden_dim": 24}
    (folder / "config.json").write_text(json.dumps(config))
    loaded = RomaThinker.from_pretrained(folder)
    settings = RomaConfig(
        speak_layer_ids=(-6, -2), speak_hidden_size=24, min_pixels=784, instructions="spoken"
    )
    same = ours(tiny, tmp_path / "ours", head, settings)
    assert probabilities(loaded, make_unit) == probabilities(same, make_unit)


def test_it_is_known_by_its_weights_names_too(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    del config["gate_layer_ids"], config["gate_hidden_dim"]
    (folder / "config.json").write_text(json.dumps(config))
    assert RomaConfig.from_folder(folder) == RomaConfig(min_pixels=784, instructions="spoken")


def test_a_roma_config_goes_before_what_it_implies(folder: Path) -> None:
    (folder / "roma_config.json").write_text('{"instructions": "text", "system_prompt": "a"}')
    (folder / "system_prompt.txt").write_text("  b\n")
    config = RomaConfig.from_folder(folder)
    assert (config.instructions, config.system_prompt) == ("text", "b")
    assert config.speak_hidden_size == WIDTH


def test_a_stock_checkpoint_implies_nothing(tiny: RomaThinker, tmp_path: Path) -> None:
    tiny.save_pretrained(tmp_path)
    assert release_settings(tmp_path) == {}


def test_a_head_in_part_is_refused(folder: Path) -> None:
    for shard in folder.glob("*.safetensors"):
        weights = load_file(shard)
        if weights.pop(NAMES["fc2.bias"], None) is not None:
            save_file(weights, shard, metadata={"format": "pt"})
    index = folder / "model.safetensors.index.json"
    values = json.loads(index.read_text())
    del values["weight_map"][NAMES["fc2.bias"]]
    index.write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=r"part of ROMA's speak head, but lacks \['fc2.bias'"):
        RomaThinker.from_pretrained(folder)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("gate_layer_ids", [], "expected integers, such as"),
        ("gate_layer_ids", "-1", "expected integers, such as"),
        ("gate_layer_ids", [-9, -1, -1, -1], "do not exist in 6 layers"),
        ("gate_hidden_dim", -4, "a whole number from 1"),
        ("gate_hidden_dim", 10**9, "from 1 to 65,536"),
        ("gate_hidden_dim", 64, "does not fit this backbone"),
    ],
)
def test_a_config_that_cannot_be(folder: Path, key: str, value: object, says: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, key: value}))
    with pytest.raises(CheckpointError, match=says):
        RomaThinker.from_pretrained(folder)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (b" \n", "is empty; write the system prompt to it"),
        (b"\xff\xfe", "cannot be read as UTF-8"),
        (b"x" * 40_000, "has 40000 bytes; expected at most 32768 for a system prompt"),
    ],
)
def test_a_system_prompt_that_cannot_be(tmp_path: Path, prompt: bytes, says: str) -> None:
    (tmp_path / "system_prompt.txt").write_bytes(prompt)
    with pytest.raises(CheckpointError, match=says):
        RomaConfig.from_folder(tmp_path)


def test_a_saved_config_and_a_prompt_file_agree(tmp_path: Path) -> None:
    (tmp_path / "system_prompt.txt").write_text("an older one")
    config = RomaConfig(system_prompt="the new one", instructions="spoken")
    config.save(tmp_path)
    assert RomaConfig.from_folder(tmp_path) == config
