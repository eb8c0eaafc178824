"""Annotations of a scene: its ground truth as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from roma_ros.world.alert import COMMON_KINDS, AlertKind, draw_alerts
from roma_ros.world.narration import NARRATION_INSTRUCTION, narrate
from roma_ros.world.questions import draw_questions
from roma_ros.world.scene import Figure, Scene, SoundEvent, Touch
from roma_ros.world.splits import Split

__all__ = ["annotate", "write_annotations"]

ALERTS, QUESTIONS = 8, 16


def annotate(scene: Scene) -> dict[str, Any]:
    """Return figures, sounds, narration, alerts and questions of a scene as a JSON object.

    Times are in seconds from the start. `units` are the indices of the units in which something can
    be seen in the frame at +0.0 s or +0.5 s, or heard. Unit k ends at k + 1 seconds: only then is
    its content known. A scene with sights has those, but no narration and no questions, as darkness
    and covers hide its figures.
    """
    sights = bool(scene.sights or scene.footage or scene.camera)
    kinds = (AlertKind.SIGHT,) if sights else COMMON_KINDS
    annotations: dict[str, Any] = {
        "seed": scene.seed,
        "split": Split.of(scene.seed).name.lower(),
        "seconds": scene.seconds,
        "figures": [_figure(figure, scene) for figure in scene.figures],
        "touches": [_touch(touch, scene) for touch in scene.touches],
        "sounds": [_sound(event, scene) for event in scene.sounds],
        "speech": [
            {"text": line.text, "onset": round(line.onset, 3), "voice": line.voice.name}
            for line in scene.speech
        ],
        "narration": NARRATION_INSTRUCTION,
        "segments": [
            {"first_unit": segment.first, "end_unit": segment.end, "text": segment.text}
            for segment in (() if sights else narrate(scene))
        ],
        "alerts": [
            {
                "instruction": alert.instruction,
                "kind": alert.event.kind.value,
                "report": alert.event.report,
                "units": np.flatnonzero(alert.labels).tolist(),
            }
            for alert in draw_alerts(scene, ALERTS, kinds)
        ],
        "questions": [
            {"after_unit": question.unit, "text": question.text, "answer": question.answer}
            for question in (() if sights else draw_questions(scene, QUESTIONS))
        ],
    }
    if sights:
        annotations["sights"] = [
            {
                "kind": event.incident.value,
                "begins": round(event.begins, 3),
                "ends": round(event.ends, 3),
                "colour": event.colour.value if event.pulses else "",
            }
            for event in scene.sights
        ]
    return annotations


def write_annotations(path: Path, scene: Scene) -> None:
    """Write the annotations of a scene as JSON, with one line per figure, sound and so on."""
    fields = [f"  {json.dumps(key)}: {_lines(value)}" for key, value in annotate(scene).items()]
    path.write_text("{\n" + ",\n".join(fields) + "\n}\n", encoding="utf-8")


def _lines(value: Any) -> str:
    if not isinstance(value, list) or not value:
        return json.dumps(value)
    return "[\n" + ",\n".join(f"    {json.dumps(item)}" for item in value) + "\n  ]"


def _figure(figure: Figure, scene: Scene) -> dict[str, Any]:
    return {
        "colour": figure.look.colour.value,
        "shape": figure.look.shape.value,
        "appears": round(figure.appears, 3),
        "leaves": round(figure.leaves, 3),
        "size": round(figure.size, 4),
        "moves": figure.moves,
        "path": [[round(value, 4) for value in (p.time, p.x, p.y)] for p in figure.path],
        "units": list(scene.clip(figure.seen_in)),
    }


def _touch(touch: Touch, scene: Scene) -> dict[str, Any]:
    return {
        "mover": str(touch.mover),
        "other": str(touch.other),
        "begins": round(touch.begins, 3),
        "ends": round(touch.ends, 3),
        "units": list(scene.clip(touch.seen_in)),
    }


def _sound(event: SoundEvent, scene: Scene) -> dict[str, Any]:
    sound = {
        "kind": event.kind.value,
        "count": event.count,
        "onset": round(event.onset, 3),
        "end": round(event.end, 3),
        "word": event.word,
        "units": sorted({unit for units in event.heard_runs for unit in scene.clip(units)}),
    }
    if event.playback is not None:
        sound["recording"] = event.playback.clip.path.name
    return sound
