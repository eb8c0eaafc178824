"""Attempts in a process of their own, which a broken library may end or hang.

The process prints a line of JSON before each attempt and one after it. What began and has no end
is what the process died of.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Attempt", "attempt", "run_probe"]

LONGEST = 200  # characters of an error


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of an attempt.

    Attributes:
        ok: whether it succeeded.
        detail: what it returned, or the error in one line.
    """

    ok: bool
    detail: str


def attempt(name: str, function: Callable[[], str]) -> bool:
    """In the probe's process: call `function`, and print what came of it.

    Args:
        name: of the attempt.
        function: returns the detail; whatever it raises is a failure.

    Returns:
        Whether it succeeded.
    """
    print(json.dumps({"begin": name}), flush=True)
    try:
        ok, detail = True, function()
    except BaseException as error:  # SystemExit too: a library may end the process
        lines = str(error).strip().splitlines() or [""]
        ok, detail = False, f"{type(error).__name__}: {lines[0]}"
    print(json.dumps({"end": name, "ok": ok, "detail": detail[:LONGEST]}), flush=True)
    return ok


def run_probe(module: str, arguments: Sequence[str] = (), *, timeout: float) -> dict[str, Attempt]:
    """Run `python -m module`, and return its attempts by name.

    Args:
        timeout: s, for all attempts together.
    """
    command = [sys.executable, "-m", module, *arguments]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
    except OSError as error:
        return {module: Attempt(False, f"cannot start {sys.executable}: {error}")}
    try:
        printed, errors = process.communicate(timeout=timeout)
        end = f"the process ended with {process.returncode}"
    except subprocess.TimeoutExpired:
        process.kill()
        printed, errors = process.communicate()
        end = f"no result within {timeout:.0f} s"
    last = (errors.strip().splitlines() or [""])[-1]
    return parse(printed, f"{end}: {last}"[:LONGEST] if last else end)


def parse(printed: str, end: str) -> dict[str, Attempt]:
    """Attempts from the lines that a probe has printed; other lines are a library's.

    Args:
        end: how the process ended, for an attempt without an end.
    """
    attempts: dict[str, Attempt] = {}
    for line in printed.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if not isinstance(record, dict):
            continue
        if isinstance(name := record.get("begin"), str):
            attempts[name] = Attempt(False, end)
        elif isinstance(name := record.get("end"), str):
            attempts[name] = Attempt(bool(record.get("ok")), str(record.get("detail", "")))
    return attempts
