"""Generator of the tables of parameters in the documentation.

From the root of the repository, after a change of a `ParameterSpec`:

    python -m roma_ros.nodes.parameter_page            write docs/parameters.md and README.md
    python -m roma_ros.nodes.parameter_page --check    exit with status 1 if they are out of date
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from roma_ros.nodes import camera_node, media_node, microphone_node
from roma_ros.nodes.parameter_spec import ParameterSpec
from roma_ros.nodes.parameters import SPECS

__all__ = ["NODES", "main", "page", "readme_table", "with_readme_table"]

NODES = {
    "roma": ("roma_node", "raises alerts, publishes narrations and answers questions", SPECS),
    "media": ("media_node", "publishes a file, a bag or a network stream", media_node.SPECS),
    "camera": ("camera_node", "publishes a camera", camera_node.SPECS),
    "microphone": ("microphone_node", "publishes a microphone", microphone_node.SPECS),
}
"""By node name: executable, what it does, and its parameters."""

IN_README = (
    *("model", "device", "quantization", "image_transport", "audio_type", "use_image"),
    *("use_audio", "context_seconds", "max_watches", "lag_policy", "alert.instructions"),
    *("alert.threshold", "alert.window", "alert.cooldown", "narration.instruction"),
    *("narration.threshold", "watches_file", "journal.folder", "hooks.command"),
)
"""Parameters of the roma node in the short table of README.md."""

BEGIN, END = "<!-- parameters -->", "<!-- /parameters -->"
PAGE = Path("docs", "parameters.md")
README = Path("README.md")

INTRODUCTION = """\
# Parameters

<!-- Written by `python -m roma_ros.nodes.parameter_page`; do not edit. -->

`ros2 param describe /roma NAME` shows a line of this page. Set a parameter at start with
`--ros-args -p NAME:=VALUE` or a file (`--params-file`), or while the node runs with
`ros2 param set /roma NAME VALUE`. The column *set* says when that is possible:

- **at any time**: takes effect from the next unit on;
- **unconfigured**: read when the node is configured; locked until it is cleaned up;
- **at start**: fixed once the node has started.
"""


def page() -> str:
    """Return the text of docs/parameters.md."""
    sections = [INTRODUCTION]
    for name, (executable, what, specs) in NODES.items():
        sections.append(f"\n## {name}\n\n`ros2 run roma_ros {executable}` {what}.\n\n")
        rows = (
            (
                f"`{spec.name}`",
                _type(spec),
                _default(spec),
                _range(spec),
                spec.unit or "-",
                _settable(spec, name),
                spec.description,
            )
            for spec in specs
        )
        sections.append(
            _table(("parameter", "type", "default", "range", "unit", "set", "description"), rows)
        )
    return "".join(sections)


def readme_table() -> str:
    """Return the short table of README.md."""
    by_name = {spec.name: spec for spec in SPECS}
    rows = (
        (f"`{name}`", _default(spec), _range(spec), spec.unit or "-")
        for name, spec in ((name, by_name[name]) for name in IN_README)
    )
    return _table(("parameter", "default", "range", "unit"), rows)


def with_readme_table(text: str) -> str:
    """Return the text of README.md with its table up to date.

    Args:
        text: text with the lines `BEGIN` and `END`.

    Raises:
        ValueError: the lines are missing.
    """
    before, begin, rest = text.partition(f"{BEGIN}\n")
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no lines {BEGIN} and {END}; add them around the table")
    return f"{before}{begin}\n{readme_table()}\n{end}{after}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _type(spec: ParameterSpec) -> str:
    if spec.any_type:
        return "string or number"
    if isinstance(spec.default, list):
        return "string list"
    names = {bool: "bool", int: "integer", float: "double", str: "string"}
    return names[type(spec.default)]


def _default(spec: ParameterSpec) -> str:
    value = spec.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"`{value}`" if value else "empty"
    if isinstance(value, list) and not any(value):
        return "none"
    return ", ".join(f"`{each}`" for each in (value if isinstance(value, list) else [value]))


def _range(spec: ParameterSpec) -> str:
    if spec.choices:
        return ", ".join(f"`{choice}`" for choice in spec.choices)
    if spec.low is not None and spec.high is not None:
        return f"{_number(spec.low)} to {_number(spec.high)}"
    return "-"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _settable(spec: ParameterSpec, node: str) -> str:
    if spec.live:
        return "at any time"
    return "unconfigured" if node == "roma" and not spec.read_only else "at start"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and the table, or check them; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m roma_ros.nodes.parameter_page",
        description="Write docs/parameters.md and the table of parameters in README.md.",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with status 1 if out of date"
    )
    parser.add_argument(
        "--root",
        type=Path,
        default=Path(),
        help="root of the repository (default: the current folder)",
    )
    options = parser.parse_args(arguments)
    outdated = []
    try:
        readme = (options.root / README).read_text(encoding="utf-8")
        for path, new in ((PAGE, page()), (README, with_readme_table(readme))):
            file = options.root / path
            if not file.is_file() or file.read_text(encoding="utf-8") != new:
                outdated.append(str(path))
                if not options.check:
                    file.write_text(new, encoding="utf-8")
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if outdated:
        print(f"{'out of date' if options.check else 'written'}: {', '.join(outdated)}")
    return int(options.check and bool(outdated))


if __name__ == "__main__":
    sys.exit(main())
