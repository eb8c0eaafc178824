"""Model card of a checkpoint: `README.md` in its folder, in the form of Hugging Face's model cards.

    python -m roma_ros.models.model_card FOLDER --evaluation bench/eval.json [--stages FILE...]

What the checkpoint knows and what limits it are read from `roma_config.json`, the figures from the
JSON file of `roma eval world`, and the data that it was trained on from the settings of its stages.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from roma_ros.evaluation.stream_protocol import HEADLINE
from roma_ros.models import card_text
from roma_ros.models.card_facts import CardFacts
from roma_ros.models.card_figures import (
    CONTINUOUS,
    SECTIONS,
    Evaluation,
    MeasuredFigure,
    ModelCardError,
)
from roma_ros.thinker import CheckpointError
from roma_ros.training.settings import SettingsError

__all__ = ["CARD_NAME", "main", "model_card"]

CARD_NAME = "README.md"
GENERATED = "<!-- Written by `python -m roma_ros.models.model_card`; do not edit. -->"
METRIC_TYPES = {
    "event recall": "recall",
    "recall": "recall",
    "unit F1": "f1",
    "F1 of its times": "f1",
    "accuracy": "accuracy",
    "exact text of matched": "exact_match",
}
"""Metric types of Hugging Face by the end of a figure's name; others are named by it."""


def model_card(folder: Path, evaluation: Path, stages: Sequence[Path] | None = None) -> str:
    """Return the text of a checkpoint's model card.

    Args:
        folder: model folder.
        evaluation: JSON file of `roma eval world`.
        stages: settings files that the checkpoint was trained with; `None`: those of `roma_tiny`.

    Raises:
        ModelCardError: the evaluation cannot be read, or it is not known what the checkpoint was
            trained on.
        CheckpointError: the folder is no facts.
        SettingsError: a settings file is invalid.
    """
    measured = Evaluation.read(evaluation)
    facts = CardFacts.read(folder, stages)
    same = measured.hashes == facts.hashes
    parts = [
        _front_matter(facts, measured, same=same),
        GENERATED,
        f"# {facts.name}",
        *card_text.description(facts),
        "## What it knows",
        *card_text.knowledge(facts),
        "## How to use it",
        *card_text.usage(facts),
        "## What it was trained on",
        *card_text.training(facts),
        "## Figures",
        *card_text.figures(facts, measured, evaluation.name, same=same),
        "## Limits",
        *card_text.limits(facts, measured, same=same),
        "## Data and licences",
        *card_text.licences(facts),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(facts: CardFacts, measured: Evaluation, *, same: bool) -> str:
    values: dict[str, Any] = {
        "license": "apache-2.0",
        "language": ["en"],
        "library_name": "roma_ros",
        "pipeline_tag": "video-text-to-text",
        "tags": [
            "robotics",
            "ros2",
            "streaming",
            "video",
            "audio",
            "proactive-assistant",
            "qwen2_5_omni",
        ],
    }
    if facts.recorded_sounds:
        values["datasets"] = ["ESC-10"]
    results = list(_results(measured)) if same else []
    if results:
        values["model-index"] = [{"name": facts.name, "results": results}]
    text = yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=card_text.WIDTH)
    return f"---\n{text}---"


def _results(measured: Evaluation) -> Iterator[dict[str, Any]]:
    rows: dict[str, list[MeasuredFigure]] = {
        CONTINUOUS: [row.headline for row in measured.continuous if row.headline is not None]
    }
    rows |= {name: list(measured.overall(name)) for name in SECTIONS if name != CONTINUOUS}
    for section, figures in rows.items():
        metrics = [
            {"type": _metric_type(row.name), "name": row.name, "value": row.value}
            for row in figures
            if row.value is not None
        ]
        if metrics:
            age = f", {HEADLINE.value}" if section == CONTINUOUS else ""
            yield {
                "task": {"type": "video-text-to-text", "name": f"{card_text.TITLES[section]}{age}"},
                "dataset": {"type": section, "name": f"roma eval world, {section}, test split"},
                "metrics": metrics,
            }


def _metric_type(name: str) -> str:
    what = name.rpartition(": ")[2]
    return METRIC_TYPES.get(what) or re.sub(r"\W+", "_", what.lower()).strip("_")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the card of a model folder; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m roma_ros.models.model_card", description=__doc__.split("\n", 1)[0]
    )
    parser.add_argument("folder", type=Path, help="model folder, whose README.md is written")
    parser.add_argument(
        "--evaluation", type=Path, required=True, help="JSON file of `roma eval world --out`"
    )
    parser.add_argument(
        "--stages",
        type=Path,
        nargs="+",
        help="settings files that it was trained with (default: those of roma_tiny)",
    )
    options = parser.parse_args(arguments)
    try:
        text = model_card(options.folder, options.evaluation, options.stages)
        card = options.folder / CARD_NAME
        card.write_text(text, encoding="utf-8")
    except (ModelCardError, CheckpointError, SettingsError, OSError) as error:
        parser.error(str(error))
    print(f"wrote {card}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
