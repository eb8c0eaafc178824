"""Ablations: variants of the training recipe with the same data and budget.

    make ablations                                  # or: python bench/ablations.py [--only K=1 ...]

Every variant is a stage 2, trained by `roma train` from the recipe's stage 1. The mixed variant is
one stage with as many worlds, trained from stage 0. All are evaluated by `roma eval world`. Results
are kept in runs/ablations, so that a stopped run resumes. Writes bench/ablations.json and prints a
table.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
RUNS = HERE.parent / "runs" / "ablations"
STREAMS, SECONDS = 120, 10  # that each variant is measured on, of each task
FIGURES = {
    "alert: event recall": "alert recall",
    "alert: false alarms per minute": "false alarms / min",
    "alert: false-alarm s per minute": "false-alarm s / min",
    "alert: unit F1": "alert unit F1",
    "narration: F1 of its times": "narration F1",
    "question, text: accuracy": "questions",
    "alert: calibration error (ECE)": "alert ECE",
}
TRAINER = {
    "learning_rate": 1.0e-3,
    "lr_scheduler_type": "warmup_stable_decay",
    "lr_scheduler_kwargs": {"num_decay_steps": 80},
    "warmup_steps": 20,
    "weight_decay": 0.05,
    "max_grad_norm": 1.0,
    "bf16": True,
    "per_device_train_batch_size": 4,
    "logging_steps": 20,
    "save_steps": 100,
    "save_total_limit": 1,
}
ALIGNED = 3200  # worlds of stage1.yaml
DECISIONS = {"questions": 0.1, "alerts": 0.65, "narrations": 0.25, "seconds": [1, 5]}
DECIDED = 1280  # worlds of them
TOGETHER = {  # what the two stages have, in one
    "glimpses": 0.48,
    "dictations": 0.14,
    "questions": 0.12,
    "alerts": 0.19,
    "narrations": 0.07,
    "seconds": [1, 5],
    "questions_per_stream": 10,
}


@dataclass(frozen=True)
class Variant:
    """One row of the table: the differences from the recipe.

    Attributes:
        name: name of the row.
        mixed: whether both stages are trained as one.
        settings: settings of stage 2 that differ.
        mix: settings of its `Mix` that differ.
    """

    name: str
    mixed: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    mix: Mapping[str, Any] = field(default_factory=dict)


STATES = {
    "source": "state_token",
    "silent_tokens": ["</Silence>", "</Standby>"],
    "speak_tokens": ["</Response>"],
    "focal": 2.0,
}
SILENCE = {
    "source": "state_token",
    "silent_tokens": ["<|silence|>"],
    "speak_tokens": ["<|im_end|>"],
}
VARIANTS = (
    Variant("recipe"),
    Variant("one mixed stage", mixed=True),
    Variant("K=1", settings={"decide": {"layers": 1}}),
    Variant("silence token", settings={"decide": SILENCE}),
    Variant("three states, focal", settings={"decide": STATES}),
    Variant("positive weight 2", mix={"alert_weight": 2.0, "narration_weight": 3.0}),
    Variant("positive weight 4", mix={"alert_weight": 4.0, "narration_weight": 6.0}),
    Variant("lambda 0.3", settings={"speak_share": 0.3}),
    Variant("lambda 3", settings={"speak_share": 3.0}),
)


def train(name: str, start: Path, lessons: list[dict[str, Any]], **settings: Any) -> Path:
    """Run or resume a stage; return the folder of its checkpoint."""
    out = RUNS / name.replace(" ", "-")
    if (out / "done").exists():
        return out
    out.mkdir(parents=True, exist_ok=True)
    file = out / "settings.yaml"
    values = {"model": str(start), "muon": True, "lessons": lessons, "trainer": TRAINER, **settings}
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    resume = ["--resume"] if list(out.glob("checkpoint-*")) else []
    roma = str(Path(sys.executable).with_name("roma"))
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"),
        *("--master_addr", "127.0.0.1", "--master_port", "29551", roma),
        *("train", "--config", str(file), "--out", str(out), *resume),
    ]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
        "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "16384",  # kernels for all shapes of batches
    }
    subprocess.run(command, check=True, env=environment)
    (out / "done").touch()
    return out


def run(variant: Variant, encoders: Path, aligned: Path) -> dict[str, Any]:
    """Train and evaluate a variant; return its figures on short streams."""
    if variant.mixed:
        lessons = [{"worlds": ALIGNED + DECIDED, "mix": TOGETHER}]
        model = train(variant.name, encoders, lessons)
    else:
        lessons = [{"worlds": DECIDED, "mix": {**DECISIONS, **variant.mix}}]
        model = train(variant.name, aligned, lessons, first_world=ALIGNED, **variant.settings)
    result = model / "eval.json"
    if not result.exists():
        roma = str(Path(sys.executable).with_name("roma"))
        size = ["--only", "twenty_seconds", "--cases", str(STREAMS), "--seconds", str(SECONDS)]
        arguments = ["--model", str(model), *size, "--out", str(result)]
        subprocess.run([roma, "eval", "world", *arguments], check=True)
    found: dict[str, Any] = json.loads(result.read_text())["twenty_seconds"]
    return found


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a Markdown table with a row per variant and a column per metric."""
    lines = [
        "| variant | " + " | ".join(FIGURES.values()) + " |",
        "|---|" + "---|" * len(FIGURES),
    ]
    for name, result in results.items():
        values = {figure["name"]: figure["value"] for figure in result["figures"]}
        cells = [f"{values[figure]:.2f}" for figure in FIGURES]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "--encoders",
        type=Path,
        default=Path("runs/stage0_speech"),
        help="checkpoint of stage 0, for the mixed variant (default: %(default)s)",
    )
    parser.add_argument(
        "--aligned",
        type=Path,
        default=Path("runs/stage1"),
        help="checkpoint of stage 1, for all other variants (default: %(default)s)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[v.name for v in VARIANTS],
        metavar="NAME",
        help=f"variants to run (default: all): {', '.join(v.name for v in VARIANTS)}",
    )
    arguments = parser.parse_args()
    results = {
        variant.name: run(variant, arguments.encoders.absolute(), arguments.aligned.absolute())
        for variant in VARIANTS
        if not arguments.only or variant.name in arguments.only
    }
    path = HERE / "ablations.json"
    kept = json.loads(path.read_text()) if arguments.only and path.exists() else {}
    kept |= {name: {"figures": result["figures"]} for name, result in results.items()}
    path.write_text(json.dumps(kept, indent=1) + "\n")
    print(table(results))


if __name__ == "__main__":
    main()
