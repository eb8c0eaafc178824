"""A run learns, its checkpoints are models, and resuming changes nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainingArguments

import roma_ros.training
from roma_ros.cli.main import main
from roma_ros.models.make_roma_tiny import make_roma_tiny
from roma_ros.thinker import RomaThinker
from roma_ros.training.settings import LoraSettings, SettingsError, TrainSettings
from roma_ros.training.trainer import train, without_bfloat16

pytestmark = pytest.mark.slow

SETTINGS = """
model: {model}
speak_share: 0.5
lessons:
  - worlds: 6
    mix: {{alerts: 1, seconds: [4, 5]}}
trainer:
  learning_rate: 1.0e-3
  per_device_train_batch_size: 2
  max_steps: {steps}
  save_steps: 2
  logging_steps: 2
  use_cpu: true
  disable_tqdm: true
"""

ONE = "model: x\nlessons: [{worlds: 3, mix: {alerts: 1}}]"


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    make_roma_tiny(1).save_pretrained(folder)
    return folder


def settings(start: Path, folder: Path, steps: int) -> TrainSettings:
    file = folder / f"stage-{steps}.yaml"
    file.write_text(SETTINGS.format(model=start, steps=steps))
    return TrainSettings.read(file)


def test_it_trains_all_but_the_encoders_and_its_checkpoints_are_models(
    start: Path, tmp_path: Path, make_unit
) -> None:
    out = train(settings(start, tmp_path, 4), tmp_path / "out")
    before, after = load_file(start / "model.safetensors"), load_file(out / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert not any(name.startswith(("visual", "audio_tower")) for name in changed)
    assert "model.layers.0.self_attn.q_proj.weight" in changed
    head = load_file(out / "speak_head.safetensors")
    assert not torch.equal(head["mixer"], torch.zeros(4))
    thinker = RomaThinker.from_pretrained(out / "checkpoint-2")
    with thinker.open_session() as session:
        assert session.step(make_unit(0)).p_speak is not None


def test_a_resumed_run_is_the_run_that_was_not_stopped(start: Path, tmp_path: Path) -> None:
    whole = train(settings(start, tmp_path, 4), tmp_path / "whole")
    part = tmp_path / "part"
    train(settings(start, tmp_path, 4), part)
    for file in part.glob("checkpoint-4/*"):
        file.unlink()
    (part / "checkpoint-4").rmdir()
    resumed = train(settings(start, tmp_path, 4), part, resume=True)
    one, other = load_file(whole / "model.safetensors"), load_file(resumed / "model.safetensors")
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0, atol=1e-6)


def test_a_step_in_several_passes_is_the_same_step(start: Path, tmp_path: Path) -> None:
    whole = train(settings(start, tmp_path, 2), tmp_path / "whole")
    parts = replace(settings(start, tmp_path, 2), max_tokens=300)  # about one row
    split = train(parts, tmp_path / "split")
    one, other = load_file(whole / "model.safetensors"), load_file(split / "model.safetensors")
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0, atol=3e-5)
    logs = [
        json.loads((out / "trainer_state.json").read_text())["log_history"][0]
        for out in (whole / "checkpoint-2", split / "checkpoint-2")
    ]
    for name in ("loss", "speak_loss", "text_loss", "units", "speak_f1"):
        assert logs[1][name] == pytest.approx(logs[0][name], rel=1e-3)


@pytest.mark.parametrize("muon", [True, False])
def test_a_cpu_without_bfloat16_computes_in_float32_and_says_so(
    muon: bool, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"bf16": True, "max_steps": 3}
    assert without_bfloat16(told, muon=muon) == {"bf16": False, "max_steps": 3}
    assert told["bf16"]
    assert ("muon: false" in caplog.text) == muon
    assert "float32 instead" in caplog.text


STAGES = sorted((Path(roma_ros.training.__file__).parent / "stages").glob("stage*.yaml"))


@pytest.mark.parametrize("stage", STAGES, ids=lambda file: file.stem)
def test_the_stages_settings_can_be_read(stage: Path) -> None:
    settings = TrainSettings.read(stage)
    encoders = stage.stem.startswith("stage0") or stage.stem in ("stage3_senses", "stage3_sounds")
    assert settings.train_encoders == encoders
    decides = any(lesson.mix.alerts for lesson in settings.lessons)
    assert decides == stage.stem.startswith(("stage2", "stage3_long", "stage3_streams"))
    TrainingArguments(output_dir="unused", use_cpu=True, **settings.trainer)


def test_the_command_trains_and_names_what_is_wrong(
    start: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(start, tmp_path, 1)
    out = tmp_path / "out"
    arguments = ["train", "--config", str(tmp_path / "stage-1.yaml"), "--out", str(out)]
    assert main(arguments) == 0
    assert RomaThinker.from_pretrained(out).has_speak_source
    assert main([*arguments, "--model", "no/such"]) == 2
    assert "no model folder 'no/such'" in capsys.readouterr().err


def test_the_example_with_adapters_can_be_read() -> None:
    folder = Path(roma_ros.training.__file__).parent / "stages"
    settings = TrainSettings.read(folder / "lora_3b.yaml")
    assert settings.lora == LoraSettings(rank=16, alpha=32, dropout=0.05)
    assert settings.dtype == "bfloat16"
    TrainingArguments(output_dir="unused", use_cpu=True, **settings.trainer)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "must be a mapping"),
        ("model: x\ncolour: 1\nlessons: []", "keys among"),
        ("model: x\nlessons: []", "lessons is empty"),
        ("model: x\nlessons: [{worlds: 3, mix: {sounds: 1}}]", "sounds"),
        ("model: x\nlessons: [{mix: {questions: 1}}]", "worlds"),
        ("{", "cannot be read"),
        (f"{ONE}\nlora: {{rank: 0}}", "rank is 0"),
        (f"{ONE}\nlora: {{width: 2}}", "width"),
        (f"{ONE}\nlora: {{}}\ntrain_encoders: true", "train_encoders with lora"),
        (f"{ONE}\ndtype: float16", "dtype is 'float16'"),
        (f"{ONE}\nfirst_world: -1", "first_world is -1"),
        (f"{ONE}\nmax_tokens: 0", "max_tokens is 0"),
    ],
)
def test_bad_settings_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        TrainSettings.read(tmp_path / "s.yaml")
