from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from roma_ros.world import Scene, annotate, make_scene, write_annotations


def test_a_scene_made_by_hand_is_annotated(busy_scene: Scene) -> None:
    found = annotate(busy_scene)
    assert found["seconds"] == 12
    assert [(f["colour"], f["shape"], f["units"]) for f in found["figures"]] == [
        ("red", "circle", [1, 2, 3, 4, 5]),
        ("blue", "square", [3, 4, 5, 6, 7]),
        ("red", "circle", [9, 10]),
    ]
    assert found["touches"][0]["units"] == [4, 5]
    assert [(s["kind"], s["count"], s["units"]) for s in found["sounds"]] == [
        ("beep", 2, [3]),
        ("beep", 1, [6]),
        ("tone", 1, [8, 9, 10]),
    ]
    assert found["segments"][0] == {"first_unit": 1, "end_unit": 3, "text": "a red circle stays."}


def test_a_file_holds_what_is_annotated_in_lines_that_can_be_read(tmp_path: Path) -> None:
    scene = make_scene(7, 60)
    path = tmp_path / "out.json"
    write_annotations(path, scene)
    assert json.loads(path.read_text()) == annotate(scene)
    assert len(path.read_text().splitlines()) < 150


def test_alerts_name_the_units_of_the_figures_that_they_are_about() -> None:
    found = annotate(make_scene(7, 60))
    visual = [alert for alert in found["alerts"] if alert["kind"] == "visual" and alert["units"]]
    assert visual
    for alert in visual:
        units = [
            unit
            for figure in found["figures"]
            if f"{figure['colour']} {figure['shape']}" in alert["instruction"]
            for unit in figure["units"]
        ]
        assert alert["units"] == sorted(np.unique(units).tolist())
