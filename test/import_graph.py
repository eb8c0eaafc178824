"""Read which module of the package imports which, from the source: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from importlib.util import resolve_name
from pathlib import Path

__all__ = ["Imports", "circles", "levels", "module_imports", "module_paths", "part_imports"]

PACKAGE = "roma_ros"
GENERATED = {"action", "msg", "srv"}  # messages, which have no source here

Imports = dict[str, set[str]]
"""Module or part -> those of the same package that it imports."""


def module_imports(package: Path) -> Imports:
    """Return what each module imports, by dotted names below the package, such as `units.signals`.

    Imports in functions and under TYPE_CHECKING count. A folder's `__init__` has the folder's name.
    """
    paths = dict(module_paths(package))
    return {
        name: {target for full in _names(path, name) if (target := _module(full, set(paths)))}
        for name, path in paths.items()
    }


def part_imports(modules: Imports) -> Imports:
    """Return what each part imports; a part is a folder, or a module directly in the package."""
    parts: Imports = {_part(name): set() for name in modules}
    for name, imported in modules.items():
        parts[_part(name)] |= {_part(other) for other in imported} - {_part(name)}
    return parts


def circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the sorted groups of names that import each other, directly or by way of others."""
    reached = {name: _reachable(name, imports) for name in imports}
    groups = {
        frozenset(other for other in reached[name] if name in reached.get(other, ()))
        for name in imports
        if name in reached[name]
    }
    return sorted(sorted(group) for group in groups)


def levels(imports: Mapping[str, set[str]]) -> dict[str, int]:
    """Return the level of each name: 0 imports nothing; others are above all that they import.

    Raises:
        ValueError: there is a circle.
    """
    if found := circles(imports):
        raise ValueError(f"imports form circles: {found}")
    level: dict[str, int] = {}

    def of(name: str) -> int:
        if name not in level:
            level[name] = 1 + max((of(other) for other in imports.get(name, ())), default=-1)
        return level[name]

    return {name: of(name) for name in imports}


def module_paths(package: Path) -> Iterator[tuple[str, Path]]:
    """Yield dotted name and path of each module, the generated messages excepted."""
    for top in sorted(package.iterdir()):
        if top.name in GENERATED or top.name == "__init__.py":
            continue
        # A part may be a link, which rglob does not follow.
        for path in [top] if top.suffix == ".py" else sorted(top.rglob("*.py")):
            name = ".".join(path.relative_to(package).with_suffix("").parts)
            yield name.removesuffix(".__init__"), path


def _names(path: Path, name: str) -> Iterator[str]:
    """Absolute dotted name of every import in a file; of what is imported `from` a module too."""
    inside = f"{PACKAGE}.{name}"
    if path.name != "__init__.py":
        inside = inside.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), inside)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _module(full: str, modules: set[str]) -> str:
    """The module below the package that a dotted name is, or is in; empty for another's."""
    first, _, name = full.partition(".")
    while first == PACKAGE and name:
        if name in modules:
            return name
        name = name.rpartition(".")[0]
    return ""


def _part(module: str) -> str:
    return module.partition(".")[0]


def _reachable(name: str, imports: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(imports[name])
    while waiting:
        if (each := waiting.pop()) not in found:
            found.add(each)
            waiting += imports.get(each, ())
    return found
