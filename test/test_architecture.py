"""Which part of the package may import which, and what importing a part must not load.

A part is a folder of `roma_ros/`, or a module directly in it. Imports count wherever they stand:
in a function and under TYPE_CHECKING too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from .import_graph import (
    Imports,
    circles,
    levels,
    module_imports,
    module_paths,
    part_imports,
)

# For every part, the parts that it imports. Nodes, command line and demo are for people and
# machines: no other part imports them, but for the demo, which plays into a real node.
PARTS: dict[str, set[str]] = {
    # Data that others hand over and get: free of torch.
    "events": set(),
    "recording": {"sources", "units"},
    "speech": {"units"},
    "task": set(),
    "watch": {"recording", "triggers"},
    "watch_file": {"recording", "watch"},
    "watch_state": {"durable_file", "watch", "watch_file"},
    # The path of an image to an alert.
    "units": set(),
    "sources": {"units"},
    "thinker": {"machine", "speech", "units"},
    "triggers": set(),
    "assistant": {
        "events",
        "fault_log",
        "percentiles",
        "speech",
        "thinker",
        "triggers",
        "units",
        "watch",
    },
    "journal": {"durable_file", "events", "machine", "triggers", "watch"},
    "hooks": {"events", "journal"},
    # Synthetic streams, training, evaluation.
    "world": {"sources", "speech", "task", "units"},
    "data": {"benchmarks", "events", "plot_style", "sources", "speech", "task", "units", "world"},
    "training": {
        *("benchmarks", "data", "machine", "plot_style", "thinker", "triggers", "units"),
        "world",
    },
    "models": {"evaluation", "thinker", "training", "world"},
    "evaluation": {
        "assistant",
        "events",
        "machine",
        "percentiles",
        "plot_style",
        "recording",
        "sources",
        "speech",
        "thinker",
        "triggers",
        "units",
        "watch",
        "world",
    },
    "benchmarks": {"triggers"},
    # Speed and size.
    "planning": set(),
    "speed": {"machine", "percentiles", "planning", "thinker", "units"},
    "quantize": {"machine", "sources", "speed", "thinker", "triggers", "units", "watch", "world"},
    # Small helpers.
    "doctor": {"machine", "ros_release", "sources", "speech", "thinker", "units"},
    "durable_file": set(),
    "fault_log": set(),
    "machine": set(),
    "missing_library": set(),
    "percentiles": set(),
    "plot_style": set(),
    "presets": {"machine"},
    "respawn": set(),
    "ros_release": {"machine"},
    "state_folder": set(),
    # Entry points.
    "nodes": {
        *("assistant", "events", "hooks", "journal", "machine", "recording", "sources"),
        "state_folder",
        *("thinker", "triggers", "units", "watch", "watch_file", "watch_state"),
    },
    "cli": {
        *(
            "assistant",
            "benchmarks",
            "data",
            "doctor",
            "evaluation",
            "events",
            "fault_log",
            "hooks",
            "journal",
        ),
        *("missing_library", "planning", "plot_style", "quantize", "recording", "sources"),
        *("speed", "state_folder", "thinker", "training", "units", "machine", "watch"),
        *("watch_file", "world"),
    },
    "demo": {"evaluation", "nodes", "units", "watch", "world"},
    "__main__": {"cli"},
}
ENTRY_POINTS = {"nodes", "cli", "demo", "__main__"}


@pytest.fixture(scope="module")
def modules() -> Imports:
    return module_imports(Path(__file__).parents[1] / "roma_ros")


def test_every_part_imports_what_the_table_says(modules: Imports) -> None:
    parts = part_imports(modules)
    assert set(parts) == set(PARTS), "add a new part to the table, and remove one that has gone"
    for part, imported in parts.items():
        reasons = {
            f"{module} imports {other}"
            for module, others in modules.items()
            for other in others
            if module.partition(".")[0] == part
            and other.partition(".")[0] in imported - PARTS[part] - {part}
        }
        assert not reasons, f"{part} may import {sorted(PARTS[part])}, but {sorted(reasons)}"
        assert imported == PARTS[part], f"take out of the table: {sorted(PARTS[part] - imported)}"


def test_the_table_has_no_circle_and_leaves_the_entry_points_alone() -> None:
    assert circles(PARTS) == []
    for part, imported in PARTS.items():
        expected = {"demo": {"nodes"}, "__main__": {"cli"}}.get(part, set())
        assert imported & ENTRY_POINTS == expected, part


@pytest.mark.parametrize("part", sorted(PARTS))
def test_the_modules_of_a_part_have_no_circle(modules: Imports, part: str) -> None:
    inside = {
        module: {other for other in imported if other.partition(".")[0] == part}
        for module, imported in modules.items()
        if module.partition(".")[0] == part
    }
    assert circles(inside) == []


@pytest.mark.parametrize("part", ["events", "recording", "speech", "watch"])
def test_what_is_handed_over_stays_outside_the_assistant(part: str) -> None:
    assert not PARTS[part] & {"assistant", "thinker"}


@pytest.mark.slow
def test_no_two_public_classes_share_a_name() -> None:
    found = defaultdict(list)
    for module, path in module_paths(Path(__file__).parents[1] / "roma_ros"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(module)
    assert {name: modules for name, modules in found.items() if len(modules) > 1} == {}


def test_the_graph_reads_every_kind_of_import(tmp_path: Path) -> None:
    package = tmp_path / "roma_ros"
    sources = {
        "a/__init__.py": "from roma_ros.a.one import x",
        "a/one.py": "def f():\n    from .two import y\n    import roma_ros.b, os",
        "a/two.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import one",
        "b.py": "from roma_ros import __version__, msg\nimport numpy.linalg",
        "msg/_audio.py": "import roma_ros.a",  # generated
    }
    for name, text in sources.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    modules = module_imports(package)
    assert modules == {"a": {"a.one"}, "a.one": {"a.two", "b"}, "a.two": {"a.one"}, "b": set()}
    assert circles(modules) == [["a.one", "a.two"]]
    assert part_imports(modules) == {"a": {"b"}, "b": set()}
    assert levels({"a": {"b"}, "b": set(), "c": {"a", "b"}}) == {"a": 1, "b": 0, "c": 2}
    with pytest.raises(ValueError, match="circles"):
        levels(modules)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("roma_ros.units", {"torch", "transformers", "rclpy"}),
        ("roma_ros.planning", {"torch", "transformers", "rclpy", "numpy"}),
        ("roma_ros.speed", {"rclpy"}),
        ("roma_ros.sources", {"torch", "transformers", "rclpy", "sounddevice", "rosbags"}),
        ("roma_ros.events", {"torch", "transformers", "rclpy", "numpy"}),
        ("roma_ros.recording", {"torch", "transformers", "rclpy"}),
        ("roma_ros.speech", {"torch", "transformers", "rclpy"}),
        ("roma_ros.watch", {"torch", "transformers", "rclpy"}),
        ("roma_ros.watch_file", {"torch", "transformers", "rclpy"}),
        ("roma_ros.watch_state", {"torch", "transformers", "rclpy"}),
        ("roma_ros.journal", {"torch", "transformers", "rclpy"}),
        ("roma_ros.data", {"torch", "transformers", "rclpy"}),
        ("roma_ros.triggers", {"torch", "transformers", "rclpy", "numpy"}),
        ("roma_ros.thinker", {"rclpy"}),
        ("roma_ros.hooks", {"torch", "transformers", "rclpy", "httpx", "paho"}),
        ("roma_ros.assistant", {"rclpy"}),
        ("roma_ros.cli", {"rclpy"}),
        ("roma_ros.doctor", {"torch", "transformers", "rclpy", "numpy", "rich"}),
    ],
)
def test_importing_a_part_leaves_out(module: str, banned: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert not banned & set(loaded.stdout.split())
