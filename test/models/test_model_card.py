"""The model card that stands beside a checkpoint."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

import roma_ros.models
from roma_ros.evaluation.metrics import Metric, Target
from roma_ros.evaluation.results import as_results, write_results
from roma_ros.evaluation.stream_metrics import AgedFigure, AgedValue
from roma_ros.evaluation.stream_outcomes import StreamOutcomes
from roma_ros.evaluation.stream_protocol import Age, EvalSection, StreamProtocol
from roma_ros.evaluation.stream_report import StreamReport
from roma_ros.models.card_facts import recipe_stages
from roma_ros.models.card_figures import Evaluation, ModelCardError
from roma_ros.models.model_card import CARD_NAME, main, model_card
from roma_ros.models.recording_credits import ESC_10_AUTHORS
from roma_ros.thinker.checkpoint_check.files import check_folder_files
from roma_ros.world import ESC_10, SIGHTS

FOLDER = Path(roma_ros.models.__file__).parent / "roma_tiny"
STAGE = """\
model: roma_tiny
recording_folds: [1, 2, 3, 4]
lessons:
  - {worlds: 1, mix: {recordings: 0.5, sights: 0.5}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of roma_tiny whose vocabulary has recorded sounds and sights."""
    copy = tmp_path / "mine"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.md"))
    file = copy / "roma_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    texts = [kind.condition for kind in ESC_10]
    texts += [wording for sight in SIGHTS for wording in sight.wordings]
    words = set(config["vocabulary"]["others"]) | set(re.findall("[a-z]+", " ".join(texts)))
    config["vocabulary"]["others"] = sorted(words)
    file.write_text(json.dumps(config), encoding="utf-8")
    return copy


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    file = tmp_path / "stage.yaml"
    file.write_text(STAGE, encoding="utf-8")
    return file


@pytest.fixture
def evaluation(folder: Path, tmp_path: Path) -> Path:
    """Return a file as `roma eval world` writes it, without the sections long and unknown."""
    value = AgedValue(value=0.91, interval=(0.88, 0.94), fresh=0.95, counts={"events": 120})
    young = AgedValue(value=0.97, interval=None, fresh=float("nan"), counts={"events": 12})
    recall = Metric(
        name="recordings: event recall",
        value=0.81,
        interval=(0.7, 0.9),
        target=Target(0.80),
        counts={"events": 100},
    )
    report = StreamReport(
        protocol=StreamProtocol(),
        continuous=(
            AgedFigure(
                name="alert: event recall",
                ages={Age.FIRST_MINUTE: young, Age.AFTER_FIVE: value},
                target=Target(0.95),
            ),
        ),
        sections={
            EvalSection.QUIET: (
                Metric(name="silence and black: sentences per hour", value=float("nan")),
            ),
            EvalSection.RECORDINGS: (
                recall,
                *_kind_rows("recordings, baby", 0.6),
                *_kind_rows("recordings, dog", 0.9),
            ),
            EvalSection.SIGHTS: _kind_rows("sights, lamp_on red", 0.95),
        },
        outcomes=StreamOutcomes(left_out=["unknown: no reason at all"]),
    )
    path = tmp_path / "eval.json"
    write_results(path, as_results(folder, report, None, workers=1, wall_seconds=1.0))
    return path


def _kind_rows(name: str, recall: float) -> tuple[Metric, ...]:
    return (
        Metric(
            name=f"{name}: event recall",
            value=recall,
            interval=(recall - 0.1, recall + 0.05),
            counts={"events": 40},
        ),
        Metric(name=f"{name}: false alarms per minute and watch", value=0.2, interval=(0.1, 0.4)),
    )


def test_the_card_of_the_package_has_the_figures_of_the_last_evaluation(repository: Path) -> None:
    card = FOLDER / CARD_NAME
    if not card.exists():
        pytest.skip(f"{card} is not written yet")
    evaluation = repository / "bench" / "eval.json"
    assert card.read_text(encoding="utf-8") == model_card(FOLDER, evaluation), (
        "run `python -m roma_ros.models.model_card roma_ros/models/roma_tiny "
        "--evaluation bench/eval.json`"
    )


def test_hugging_face_reads_the_front_matter(folder: Path, evaluation: Path, stage: Path) -> None:
    assert main([str(folder), "--evaluation", str(evaluation), "--stages", str(stage)]) == 0
    data = ModelCard.load(folder / CARD_NAME).data
    assert (data.license, data.library_name, data.language) == ("apache-2.0", "roma_ros", ["en"])
    assert data.datasets == ["ESC-10"]
    results = [
        (row.dataset_type, row.metric_type, row.metric_name, row.metric_value)
        for row in data.eval_results
    ]
    assert results == [
        ("continuous", "recall", "alert: event recall", 0.91),
        ("recordings", "recall", "recordings: event recall", 0.81),
    ], "figures of single sounds stand in the text alone"


def test_figures_have_their_intervals_and_each_sound_and_sight_its_own(
    folder: Path, evaluation: Path, stage: Path
) -> None:
    card = model_card(folder, evaluation, [stage])
    row = (
        "| alert: event recall | 0.97 | - | 0.91 (0.88 to 0.94) | - | 0.95 | ≥ 0.95, **not met** |"
    )
    assert row in card
    assert "| recordings: event recall | 0.81 | 0.70 to 0.90 | 100 events | ≥ 0.8, met |" in card
    assert "| a baby cries | 0.60 (0.50 to 0.65) | 40 events | 0.20 (0.10 to 0.40) |" in card
    assert "| a red light comes on | 0.95 (0.85 to 1.00) | 40 events" in card
    limits = card.partition("## Limits")[2]
    assert (
        "Below the bar: alert: event recall (after minute 5); "
        "alert: event recall (continuous minus fresh)." in " ".join(limits.split())
    )
    assert "It misses more than a fifth of: a baby cries." in limits


def test_sections_that_were_not_run_are_named(folder: Path, evaluation: Path, stage: Path) -> None:
    assert Evaluation.read(evaluation).missing == ("long", "unknown", "twenty_seconds")
    card = model_card(folder, evaluation, [stage])
    assert "Not measured (unknown: no reason at all). `roma eval world --only unknown`" in card
    assert "`roma eval world --only long` measures it." in card


def test_recordings_and_footage_have_authors_and_licences(
    folder: Path, evaluation: Path, stage: Path
) -> None:
    card = model_card(folder, evaluation, [stage])
    flat = " ".join(card.split())
    for kind in ESC_10:
        assert f"{kind.condition}; you hear {kind.hearing}" in card
    assert "the folds 1, 2, 3 and 4 of ESC-10" in flat
    assert all(names in flat for names in ESC_10_AUTHORS.values())
    assert "intel-iot-devkit/sample-videos, CC BY 4.0" in flat
    assert "**The fold 4, on which `roma eval world` measures, was trained on**" in flat
    assert '--model mine --watch "alert me when a baby cries"' in card


def test_what_no_stage_trained_on_is_not_known(folder: Path, evaluation: Path) -> None:
    """Words alone do not make a sound known."""
    card = model_card(folder, evaluation, [recipe_stages()[0]])
    assert "**Recorded sounds.** None" in card
    assert "No recordings and no footage were trained on." in card
    assert "alert me when a red circle appears" in card


def test_figures_of_other_weights_are_named_so(folder: Path, evaluation: Path, stage: Path) -> None:
    (folder / "speak_head.safetensors").unlink()
    card = model_card(folder, evaluation, [stage])
    assert "**These figures are of other weights than those in this folder**" in card
    assert "model-index" not in yaml.safe_load(card.split("---\n")[1])


def test_a_checkpoint_without_a_vocabulary_needs_its_stages(
    folder: Path, evaluation: Path, stage: Path
) -> None:
    file = folder / "roma_config.json"
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**config, "vocabulary": None}), encoding="utf-8")
    with pytest.raises(ModelCardError, match="give --stages"):
        model_card(folder, evaluation)
    card = model_card(folder, evaluation, [stage])
    assert "names no vocabulary" in card
    assert "the folds 1, 2, 3 and 4 of ESC-10" in card


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"checkpoint": {"sha256": {}}}'])
def test_a_file_that_is_no_evaluation_ends_with_a_message(
    folder: Path, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "other.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as exit_:
        main([str(folder), "--evaluation", str(file)])
    assert exit_.value.code == 2
    assert f"{file} cannot be read" in capsys.readouterr().err
    assert not (folder / CARD_NAME).exists()


def test_a_model_folder_may_have_a_card(folder: Path, evaluation: Path, stage: Path) -> None:
    main([str(folder), "--evaluation", str(evaluation), "--stages", str(stage)])
    check_folder_files(folder)


def test_notice_names_the_same_authors(repository: Path) -> None:
    notice = " ".join((repository / "NOTICE").read_text(encoding="utf-8").split())
    for licence, names in ESC_10_AUTHORS.items():
        assert f"- {licence}: {names}." in notice
