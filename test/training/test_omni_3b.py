"""The recipe runs on Qwen2.5-Omni-3B: true widths, few layers, few words, random weights.

The widths are those of its published config.json: one language layer of its 36, one layer of each
encoder's 32, and 1,024 words of its 151,936, since two tables of them are 622 M of its parameters.
So all shapes that a layer, an adapter or the speak head sees are true, and the folder is as it is
published: `model_type` qwen2_5_omni, with the thinker's part of the weights under `thinker.`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub import save_torch_state_dict
from peft import PeftModel
from safetensors.torch import load_file
from torch.utils.data import Dataset
from transformers import Qwen2_5OmniConfig, Qwen2_5OmniThinkerForConditionalGeneration

from roma_ros.thinker import RomaThinker
from roma_ros.thinker.qwen_omni import released_name
from roma_ros.training import trainer
from roma_ros.training.curriculum import Lesson, Mix
from roma_ros.training.example import Exchange, StreamExample
from roma_ros.training.settings import LoraSettings, TrainSettings

pytestmark = pytest.mark.slow

VOCABULARY, LAYERS, STEPS = 1024, 1, 6


def make_shallow_3b(tiny: RomaThinker, folder: Path) -> None:
    """Write the shallow 3B, with roma_tiny's words and without a speak head."""
    token = tiny.tokenizer.convert_tokens_to_ids
    config = Qwen2_5OmniConfig(
        enable_audio_output=False,
        thinker_config={
            "text_config": {
                "vocab_size": VOCABULARY,
                "hidden_size": 2048,
                "intermediate_size": 11_008,
                "num_hidden_layers": LAYERS,
                "num_attention_heads": 16,
                "num_key_value_heads": 2,
                "max_position_embeddings": 32_768,
                "rope_parameters": {
                    "rope_type": "default",
                    "rope_theta": 1_000_000.0,
                    "mrope_section": [16, 24, 24],
                },
                "tie_word_embeddings": False,
            },
            "vision_config": {
                "depth": LAYERS,
                "hidden_size": 1280,
                "intermediate_size": 3420,
                "num_heads": 16,
                "out_hidden_size": 2048,
                "fullatt_block_indexes": [LAYERS - 1],
            },
            "audio_config": {
                "d_model": 1280,
                "encoder_layers": LAYERS,
                "encoder_attention_heads": 20,
                "encoder_ffn_dim": 5120,
                "output_dim": 2048,
            },
            "tie_word_embeddings": False,
            "audio_token_index": token("<|AUDIO|>"),
            "image_token_index": token("<|IMAGE|>"),
            "video_token_index": token("<|VIDEO|>"),
            "audio_start_token_id": token("<|audio_bos|>"),
            "audio_end_token_id": token("<|audio_eos|>"),
            "vision_start_token_id": token("<|vision_bos|>"),
            "vision_end_token_id": token("<|vision_eos|>"),
            "user_token_id": token("<|im_start|>"),
        },
    )
    torch.manual_seed(0)
    thinker = Qwen2_5OmniThinkerForConditionalGeneration(config.thinker_config)
    config.save_pretrained(folder)
    state = thinker.state_dict()
    weights = {f"thinker.{released_name(name)}": value for name, value in state.items()}
    save_torch_state_dict(weights, folder, max_shard_size="400MB")
    tiny.tokenizer.save_pretrained(folder)
    tiny.features.save_pretrained(folder)
    # One layer has two states: the embeddings, and its own.
    replace(tiny.config, speak_layer_ids=(-2, -1)).save(folder)


class Again(Dataset[list[StreamExample]]):
    """One lesson, over and over."""

    def __init__(self, examples: list[StreamExample]) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return 100

    def __getitem__(self, index: int) -> list[StreamExample]:
        return self.examples


@pytest.fixture(scope="module")
def start(tiny: RomaThinker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("omni-3b")
    make_shallow_3b(tiny, folder)
    return folder


@pytest.fixture
def settings(start: Path, make_unit, monkeypatch: pytest.MonkeyPatch) -> TrainSettings:
    units = [make_unit(index, height=56, width=56) for index in range(2)]
    alert = StreamExample(
        units=units,
        instruction="alert me when a red circle appears",
        speak=[False, True],
        exchanges=[Exchange(unit=1, question="how many beeps so far?", answer="three")],
    )
    monkeypatch.setattr(trainer, "Lessons", lambda _, **options: Again([alert]))
    return TrainSettings(
        model=str(start),
        lessons=(Lesson(Mix(alerts=1), 1),),
        trainer={
            "per_device_train_batch_size": 1,
            "learning_rate": 1e-3,
            "lr_scheduler_type": "constant",
            "max_steps": STEPS,
            "logging_steps": 1,
            "save_strategy": "no",
            "use_cpu": True,
        },
    )


def losses(out: Path) -> list[float]:
    entries = map(json.loads, (out / "log.jsonl").open())
    return [entry["loss"] for entry in entries if "loss" in entry]


def p_speaks(thinker: RomaThinker, make_unit: Callable) -> list[float | None]:
    with thinker.open_session("alert me when a red circle appears") as session:
        return [session.step(make_unit(n, height=56, width=56)).p_speak for n in range(2)]


def weights_of(folder: Path) -> dict[str, torch.Tensor]:
    files = sorted(folder.glob("model*.safetensors"))
    parts = [load_file(file) for file in files]
    return {name.removeprefix("thinker."): v for part in parts for name, v in part.items()}


def test_adapters_learn_and_merge(
    settings: TrainSettings, start: Path, tmp_path: Path, make_unit
) -> None:
    out = trainer.train(
        replace(
            settings,
            lora=LoraSettings(dropout=0.0),
            trainer={**settings.trainer, "gradient_checkpointing": True},
        ),
        tmp_path,
    )
    went = losses(out)
    assert len(went) == STEPS
    assert went[-1] < 0.8 * went[0]
    before, after = weights_of(start), weights_of(out)
    assert set(before) == set(after)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    attention = {f"model.layers.0.self_attn.{name}_proj.weight" for name in "qkvo"}
    forward = {f"model.layers.0.mlp.{name}_proj.weight" for name in ("gate", "up", "down")}
    assert changed == attention | forward
    del before, after

    merged = RomaThinker.from_pretrained(out)
    assert merged.has_speak_source
    expected = p_speaks(merged, make_unit)
    head = merged.speak_head
    del merged
    adapted = RomaThinker.from_pretrained(start)
    adapted.speak_head = head
    peft = PeftModel.from_pretrained(adapted.backbone, str(out / trainer.ADAPTERS_FOLDER))
    assert p_speaks(adapted, make_unit) == pytest.approx(expected, abs=1e-4)
    with peft.disable_adapter():
        assert p_speaks(adapted, make_unit) != pytest.approx(expected, abs=1e-4)


@pytest.mark.skipif(not trainer.has_bfloat16(), reason="this CPU emulates bfloat16: slow")
def test_a_backbone_in_bfloat16_learns_too(settings: TrainSettings, tmp_path: Path) -> None:
    fast = {**settings.trainer, "bf16": True, "max_steps": 3}
    adapted = replace(settings, dtype="bfloat16", lora=LoraSettings(dropout=0.0), trainer=fast)
    out = trainer.train(adapted, tmp_path)
    went = losses(out)
    assert went[-1] < went[0]
    assert {value.dtype for value in weights_of(out).values()} == {torch.bfloat16}
    saved = load_file(out / trainer.ADAPTERS_FOLDER / "adapter_model.safetensors")
    assert {value.dtype for value in saved.values()} == {torch.float32}


def test_all_parameters_learn(settings: TrainSettings, start: Path, tmp_path: Path) -> None:
    gently = {**settings.trainer, "learning_rate": 1e-4, "max_steps": 2}
    out = trainer.train(replace(settings, trainer=gently), tmp_path)
    went = losses(out)
    assert went[-1] < went[0]
    before, after = weights_of(start), weights_of(out)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any(name.startswith(("visual", "audio_tower")) for name in changed)
    assert {name for name in before if name.startswith("model.layers")} <= changed
