"""Attempts in a separate process, since a broken library may crash or hang it.

The process prints a line of JSON before each attempt and one after it. An attempt without the
second line is the one that ended the process.
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
    """Result of an attempt.

    Attributes:
        ok: whether it succeeded.
        detail: the returned text, or the error in one line.
    """

    ok: bool
    detail: str


def attempt(name: str, function: Callable[[], str]) -> bool:
    """Call `function`, and print the result as JSON; for the probe's process.

    Args:
        name: name of the attempt.
        function: returns the detail; an exception is a failure.

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
        module: name of the probe's module.
        arguments: command-line arguments.
        timeout: time for all attempts together [s].
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
    """Return the attempts in a probe's output; other lines are ignored.

    Args:
        printed: output of the probe.
        end: how the process ended, for an attempt without a result.
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
