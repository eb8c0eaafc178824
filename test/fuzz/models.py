"""Damaged and hostile model folders: each is loaded in a process of its own, and watched.

A folder is refused by a CheckpointError of one line that names a file, or loads and gives the
results of the undamaged one. Anything else is a failure: another error, a process that dies, 10 s
of CPU, 1 GB more than the undamaged folder takes, or another result. A value that makes another
model of it, within its bounds (`SETTINGS`), may give another result.
"""

from __future__ import annotations

import atexit
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from folder_damage import Damage, damage

import roma_ros.models
from roma_ros.quantize.bundle_writer import BundleSettings, write_bundle
from roma_ros.quantize.recipe import Recipe
from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.thinker.bundle import MANIFEST_NAME, BundleFile, Manifest
from roma_ros.units import MultimodalUnit

__all__ = ["examine", "models", "sources"]

CPU_SECONDS, WALL_SECONDS = 10.0, 60.0
MORE_MEMORY = 1000  # MB
ADDRESS_SPACE = 6 * 2**30  # bytes beyond what the parent has: it spares the machine
LONGEST_MESSAGE = 2000
UNITS = 3


@dataclass(frozen=True)
class Examined:
    """What became of a folder.

    Attributes:
        error: of a CheckpointError, or nothing.
        result: p(speak) of each unit and the first words of an answer.
        fault: a traceback, a signal, or what took too long.
        seconds: of CPU.
        megabytes: resident, at most.
    """

    error: str
    result: list[Any]
    fault: str
    seconds: float
    megabytes: int


@cache
def sources() -> dict[str, Path]:
    """A checkpoint, and bundles made of it."""
    checkpoint = Path(roma_ros.models.__path__[0], "roma_tiny", "config.json").resolve().parent
    place = Path(tempfile.mkdtemp(prefix="roma_fuzz_"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)  # our children end by _exit
    found = {"checkpoint": checkpoint}
    for recipe in ("int8", "onnx-int8"):
        found[recipe] = place / recipe
        if (child := os.fork()) == 0:  # what it loads and starts is not to be there when we fork
            status = 1
            try:
                settings = BundleSettings(model=str(checkpoint), recipe=Recipe.find(recipe))
                write_bundle(settings, found[recipe])
                status = 0
            finally:
                os._exit(status)
        if os.waitpid(child, 0)[1] != 0:
            raise RuntimeError(f"the bundle {recipe} cannot be made")
    return found


@cache
def undamaged(kind: str) -> Examined:
    """What becomes of a source itself."""
    found = examine(sources()[kind])
    if found.error or found.fault:
        raise RuntimeError(f"{kind} as it is: {found}")
    return found


def examine(folder: Path) -> Examined:
    """Load a folder and process some units, in a process that is forked from this one."""
    reader, writer = os.pipe()
    begin = time.monotonic()
    if (child := os.fork()) == 0:
        os.close(reader)
        _be_child(folder, writer)
    os.close(writer)
    said = bytearray()
    while True:
        left = begin + WALL_SECONDS - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            os.kill(child, signal.SIGKILL)
            break
        if not (piece := os.read(reader, 1 << 16)):
            break
        said += piece
    os.close(reader)
    _, status, used = os.wait4(child, 0)
    seconds, megabytes = used.ru_utime + used.ru_stime, used.ru_maxrss // 1024
    code = os.waitstatus_to_exitcode(status)
    try:
        values = json.loads(said)
    except ValueError:
        values = {}
    fault = values.get("fault", "" if values else f"the process ended: {code}")
    if seconds > CPU_SECONDS or time.monotonic() - begin > WALL_SECONDS:
        fault = f"{seconds:.1f} s of CPU, {time.monotonic() - begin:.1f} s: {fault}"
    return Examined(values.get("error", ""), values.get("result", []), fault, seconds, megabytes)


def _be_child(folder: Path, writer: int) -> None:
    answer: dict[str, Any] = {}
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, 1)
        os.dup2(devnull, 2)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + ADDRESS_SPACE
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CPU, (int(CPU_SECONDS) + 2, int(CPU_SECONDS) + 4))
        answer["result"] = _results(folder)
    except CheckpointError as error:
        answer["error"] = str(error) or "an error without a word"
    except BaseException:
        answer["fault"] = traceback.format_exc(limit=-6)
    with os.fdopen(writer, "w") as file:
        json.dump(answer, file)
    os._exit(0)


def _results(folder: Path) -> list[Any]:
    thinker = RomaThinker.from_pretrained(folder, device="cpu")
    found: list[Any] = []
    with thinker.open_session("alert me when you hear a beep") as session:
        for index in range(UNITS):
            p_speak = session.step(_unit(index)).p_speak
            found.append(None if p_speak is None else round(p_speak, 5))
        with session.branch() as branch:
            found.append(branch.answer("what is there?", max_new_tokens=8)[:200])
    return found


def _unit(index: int) -> MultimodalUnit:
    noise = np.random.default_rng(index)
    return MultimodalUnit(
        stream=0,
        index=index,
        start=index * 10**9,
        frames=noise.integers(0, 256, (2, 480, 640, 3), np.uint8),
        audio=(0.1 * noise.standard_normal(16_000)).astype(np.float32),
    )


def models(rng: np.random.Generator) -> str:
    """One damaged folder."""
    kind = ["checkpoint", "checkpoint", "int8", "onnx-int8"][int(rng.integers(4))]
    expected = undamaged(kind)
    with tempfile.TemporaryDirectory(prefix="roma_fuzz_") as place:
        folder = Path(place, "model")
        shutil.copytree(sources()[kind], folder, copy_function=_link)
        done = damage(rng, folder)
        if kind != "checkpoint" and rng.random() < 0.8:
            _sign_again(folder)
        found = examine(folder)
    for failure in _failures(done, found, expected, str(folder)):
        raise AssertionError(f"{kind}, {done.what}: {failure}")
    if found.error:
        return f"{kind}: CheckpointError"
    same = _is_same(found.result, expected.result)
    if found.result[0] is None:
        return f"{kind}: loaded without a speak head, which no watch takes"
    return f"{kind}: loaded, {'the same result' if same else 'another setting'}"


def _failures(done: Damage, found: Examined, expected: Examined, folder: str) -> Iterator[str]:
    if found.fault:
        yield found.fault
    elif found.megabytes > expected.megabytes + MORE_MEMORY:
        yield f"{found.megabytes} MB; the undamaged folder takes {expected.megabytes} MB"
    elif found.error:
        if "\n" in found.error or len(found.error) > LONGEST_MESSAGE or folder not in found.error:
            yield f"the message is not one line that names a file: {found.error}"
    elif found.result[0] is None:
        return  # the assistant refuses a watch on it, and exits with 2
    elif not done.is_setting and not _is_same(found.result, expected.result):
        yield f"it loads, and gives {found.result}; expected {expected.result}"


def _is_same(result: list[Any], expected: list[Any]) -> bool:
    return len(result) == len(expected) and all(
        abs(one - other) < 1e-4
        if isinstance(one, float) and isinstance(other, float)
        else one == other
        for one, other in zip(result, expected, strict=True)
    )


def _sign_again(folder: Path) -> None:
    """Let the manifest agree with the damaged files: somebody else may have made it."""
    try:
        manifest = Manifest.read(folder)
        files = {
            path.name: BundleFile.of(path)
            for path in folder.iterdir()
            if path.name != MANIFEST_NAME and path.is_file() and path.stat().st_size < 10**8
        }
        replace(manifest, files=files).write(folder)
    except (CheckpointError, OSError):
        return  # the manifest itself is what was damaged


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copyfile(source, target)


if __name__ == "__main__":
    print(examine(Path(sys.argv[1])))
