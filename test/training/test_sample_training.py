"""A run on files of samples: scores while it learns, and resuming that changes nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from roma_ros.cli.main import main
from roma_ros.data import SampleError, export_exercises, read_samples
from roma_ros.models.make_roma_tiny import make_roma_tiny
from roma_ros.thinker import RomaThinker
from roma_ros.training.settings import SettingsError, TrainSettings
from roma_ros.training.streaming_scores import stream_sample, streaming_figures
from roma_ros.training.trainer import train
from roma_ros.world import alert_exercises, narration_exercise, question_exercises

SETTINGS = """
model: {model}
lessons: [{{worlds: 4, mix: {{alerts: 1, seconds: [2, 2]}}}}]
mixture: {{{file}: 1, world: 0.5}}
eval_data: {file}
eval_streams: 5
class_weights: {{alert: 2.0, narration: 3.0}}
max_tokens: 1200
trainer:
  learning_rate: 1.0e-3
  per_device_train_batch_size: 2
  max_steps: {steps}
  save_steps: 2
  logging_steps: 1
  use_cpu: true
  disable_tqdm: true
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    exercises = [
        *alert_exercises(4, 6, 3),
        narration_exercise(5, 5),
        *question_exercises(6, 3, 1),
    ]
    export_exercises(folder, exercises, height=56, width=56)
    return folder / "samples.json"


@pytest.fixture(scope="module")
def thinker() -> RomaThinker:
    return make_roma_tiny(1)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, thinker: RomaThinker) -> Path:
    folder = tmp_path_factory.mktemp("start")
    thinker.save_pretrained(folder)
    return folder


def settings(start: Path, file: Path, folder: Path, steps: int) -> TrainSettings:
    path = folder / f"own-{steps}.yaml"
    path.write_text(SETTINGS.format(model=start, file=file, steps=steps))
    return TrainSettings.read(path)


def speaking_at(thinker: RomaThinker, p: float) -> None:
    """Set p(speak) of all units."""
    head = thinker.speak_head
    assert head is not None
    last = [part for part in head.modules() if isinstance(part, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(torch.logit(torch.tensor(p)).item())


def test_scores_of_streams(thinker: RomaThinker, file: Path) -> None:
    *alerts, narration, question = read_samples(file)
    alert = next(sample for sample in alerts if sample.answers)
    speaking_at(thinker, 0.9)
    one = stream_sample(thinker, alert, file.parent)
    labels = alert.labels(6)
    assert one.p_speak == pytest.approx([0.9] * 6)
    assert (one.hits, one.wrong, one.missed) == (labels.sum(), 6 - labels.sum(), 0)
    assert one.alert is not None
    assert one.alert.false_alarms + len(one.alert.latencies) == 1  # one run is one alert
    other = stream_sample(thinker, narration, file.parent)
    assert other.narration is not None
    assert other.narration.published > 0
    asked = stream_sample(thinker, question, file.parent)
    assert asked.right == (False,)  # of random weights
    figures = streaming_figures([one, other, asked])
    assert set(figures) >= {"alert_unit_f1", "alert_false_alarms", "question_exact"}
    assert figures["question_exact"] == 0.0
    assert figures["alert_unit_f1"] == pytest.approx(2 * one.hits / (one.hits + 6))

    speaking_at(thinker, 0.1)
    silent = stream_sample(thinker, alert, file.parent)
    assert silent.alert is not None
    assert silent.alert.false_alarms == 0
    assert silent.missed == labels.sum()
    assert streaming_figures([silent])["alert_recall"] == 0.0
    with pytest.raises(SampleError):
        stream_sample(thinker, replace(alert, video=("gone.mp4",)), file.parent)


def test_settings_of_samples_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("model: x\nmixture: {a.jsonl: 2}\naugment: {speed: [0.9, 1.1]}\n")
    read = TrainSettings.read(path)
    assert read.sample_files == {Path("a.jsonl"): 2}
    assert read.class_weights is None
    assert read.augment is not None
    assert read.augment.speed == (0.9, 1.1)
    for text, message in (
        ("mixture: {a.jsonl: 0}", "a.jsonl is 0; expected a number above 0"),
        ("mixture: {a.jsonl: 1, world: 1}", "`world` and lessons is empty"),
        ("mixture: {a.jsonl: 1}\nfeature_cache_gb: -1", "feature_cache_gb is -1"),
        ("mixture: {a.jsonl: 1}\nmax_units: 0", "max_units is 0"),
        ("mixture: {a.jsonl: 1}\nclass_weights: {alarm: 1}", "alarm"),
        ("mixture: {a.jsonl: 1}\ntrain_encoders: true", "no targets for encoders"),
        ("mixture: {}", "lessons is empty"),
    ):
        path.write_text(f"model: x\n{text}\n")
        with pytest.raises(SettingsError, match=message):
            TrainSettings.read(path)


def test_the_options_of_the_command_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "stage2", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--passes", "2"]) == 2
    assert "--passes and --world are for --data FILE" in capsys.readouterr().err
    assert main([*arguments, "--data", str(tmp_path / "gone.jsonl")]) == 2
    assert "gone.jsonl cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_run_on_samples_is_scored_and_can_be_resumed(
    start: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = train(settings(start, file, tmp_path, 4), tmp_path / "whole")
    assert "5 kept" in capsys.readouterr().err
    assert len(list((whole / "features").glob("*.safetensors"))) == 3  # videos
    log = [json.loads(line) for line in (whole / "log.jsonl").read_text().splitlines()]
    scored = [entry for entry in log if "eval_streams" in entry]
    assert [entry["step"] for entry in scored] == [2, 4]
    assert scored[0]["eval_streams"] == 5
    assert 0 <= scored[0]["eval_question_exact"] <= 1
    part = tmp_path / "part"
    train(settings(start, file, tmp_path, 4), part)
    shutil.rmtree(part / "checkpoint-4")
    shutil.rmtree(part / "features")
    resumed = train(settings(start, file, tmp_path, 4), part, resume=True)
    one, other = load_file(whole / "model.safetensors"), load_file(resumed / "model.safetensors")
    for name, value in one.items():
        torch.testing.assert_close(other[name], value, rtol=0, atol=1e-6)
    changed = load_file(start / "model.safetensors")
    assert not torch.equal(one["model.norm.weight"], changed["model.norm.weight"])
