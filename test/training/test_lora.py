"""With adapters a run leaves the backbone alone, can be resumed, and ends in a whole model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from roma_ros.models.make_roma_tiny import make_roma_tiny
from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.training.curriculum import Lesson, Mix
from roma_ros.training.lora import Adapters, merge_adapters
from roma_ros.training.model import TrainingModel
from roma_ros.training.saving import save_merged
from roma_ros.training.settings import LoraSettings, SettingsError, TrainSettings
from roma_ros.training.trainer import ADAPTERS_FOLDER, train

pytestmark = pytest.mark.slow

LORA = LoraSettings(rank=4, alpha=8)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    make_roma_tiny(1).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def settings(start: Path) -> TrainSettings:
    return TrainSettings(
        model=str(start),
        lessons=(Lesson(Mix(alerts=1, narrations=1, seconds=(3, 4)), 8),),
        lora=LORA,
        trainer={
            "learning_rate": 1e-2,
            "per_device_train_batch_size": 1,
            "lr_scheduler_type": "constant",
            "max_steps": 2,
            "save_steps": 1,
            "logging_steps": 1,
            "use_cpu": True,
        },
    )


@pytest.fixture(scope="module")
def out(settings: TrainSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(settings, tmp_path_factory.mktemp("run") / "out")


def p_speaks(thinker: RomaThinker, make_unit) -> list[float | None]:
    with thinker.open_session("alert me when a red circle appears") as session:
        return [session.step(make_unit(index)).p_speak for index in range(3)]


def test_checkpoints_hold_adapters_and_speak_head_alone(out: Path) -> None:
    folder = out / "checkpoint-1"
    weights = {file.name for file in folder.glob("*.safetensors")}
    assert weights == {"adapter_model.safetensors", "speak_head.safetensors"}
    names = set(load_file(folder / "adapter_model.safetensors"))
    assert len(names) == 2 * 7 * 6  # two matrices, seven projections, six language layers
    assert all(name.startswith("base_model.model.model.layers.") for name in names)
    assert json.loads((folder / "adapter_config.json").read_text())["peft_type"] == "LORA"
    with pytest.raises(CheckpointError):
        RomaThinker.from_pretrained(folder)


def test_the_finished_run_is_a_model_with_the_adapters_merged(
    start: Path, out: Path, make_unit
) -> None:
    before, after = load_file(start / "model.safetensors"), load_file(out / "model.safetensors")
    assert set(before) == set(after)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {
        f"model.layers.{layer}.{part}.weight"
        for layer in range(6)
        for part in (
            *(f"self_attn.{name}_proj" for name in "qkvo"),
            *(f"mlp.{name}_proj" for name in ("gate", "up", "down")),
        )
    }
    adapted = RomaThinker.from_pretrained(start)
    peft = PeftModel.from_pretrained(adapted.backbone, str(out / ADAPTERS_FOLDER))
    merged = RomaThinker.from_pretrained(out)
    adapted.speak_head = merged.speak_head
    assert p_speaks(merged, make_unit) == pytest.approx(p_speaks(adapted, make_unit), abs=1e-4)
    with peft.disable_adapter():
        plain = p_speaks(adapted, make_unit)
    assert p_speaks(merged, make_unit) != pytest.approx(plain, abs=1e-4)


def test_a_checkpoint_on_the_way_can_be_merged_too(start: Path, out: Path, tmp_path: Path) -> None:
    save_merged(str(start), out / "checkpoint-2", tmp_path)
    for name in ("model.safetensors", "speak_head.safetensors"):
        one, other = load_file(tmp_path / name), load_file(out / name)
        assert all(torch.equal(one[key], other[key]) for key in other)


def test_a_resumed_run_is_the_run_that_was_not_stopped(
    settings: TrainSettings, out: Path, tmp_path: Path
) -> None:
    train(replace(settings, trainer={**settings.trainer, "max_steps": 1}), tmp_path)
    resumed = train(settings, tmp_path, resume=True)
    for name in ("model.safetensors", "speak_head.safetensors"):
        one, other = load_file(out / name), load_file(resumed / name)
        for key, value in one.items():
            torch.testing.assert_close(other[key], value, rtol=0, atol=1e-6)
    steps = [json.loads(line)["step"] for line in (resumed / "log.jsonl").open()]
    assert steps == [1, 2, 2]  # the last is the summary; the first part's came after its checkpoint


def test_only_adapters_and_head_are_trained_and_adapters_stay_float32() -> None:
    thinker = make_roma_tiny(2)
    thinker.backbone.to(torch.bfloat16)
    model = TrainingModel(thinker, lora=LORA)
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    assert {name.split(".")[0] for name in trained} == {"backbone", "speak_head"}
    assert all(".lora_" in name for name in trained if name.startswith("backbone."))
    kinds = {value.dtype for value in model.parameters() if value.requires_grad}
    assert kinds == {torch.float32}


def test_adapters_of_another_shape_are_named(out: Path) -> None:
    adapters = Adapters.on(make_roma_tiny(1).backbone, replace(LORA, rank=3))
    with pytest.raises(CheckpointError, match="does not fit these adapters"):
        adapters.load(out / ADAPTERS_FOLDER)
    fewer = Adapters.on(make_roma_tiny(1).backbone, replace(LORA, targets=("q_proj",)))
    with pytest.raises(CheckpointError, match="were `targets` the same"):
        fewer.load(out / ADAPTERS_FOLDER)
    with pytest.raises(CheckpointError, match="has no adapters"):
        merge_adapters(make_roma_tiny(1).backbone, out)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rank": 0}, "rank is 0"),
        ({"rank": 1.5}, "rank is 1.5"),
        ({"alpha": 0}, "alpha is 0"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"targets": ["q_proj", "conv"]}, "'conv'"),
        ({"targets": []}, r"targets are \[\]"),
    ],
)
def test_bad_settings_are_named(values: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        LoraSettings(**values)
