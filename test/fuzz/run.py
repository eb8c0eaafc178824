"""Fuzzing: cases at random, each of a seed of its own, in worker processes that may die.

    python test/fuzz/run.py                     all targets, as many cases as issue 15 asks for
    python test/fuzz/run.py images --cases 500  one target, fewer cases
    python test/fuzz/run.py images --case 1234  one case again, here, with its traceback

A run that was stopped goes on where it was (`--state`). A case fails if it raises what is not
meant, takes more than 0.5 s of CPU, ends its process, or takes more than 300 MB beside the largest
legal image. Exit status: 1 if any case failed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "sources"), str(HERE.parents[1])]

import numpy as np  # noqa: E402  # not needed by the help

__all__ = ["TARGETS", "main"]

SECONDS = 0.5  # of CPU, for one case
MEGABYTES = 300  # beside the largest legal image
LARGEST_IMAGE = 64_000_000 * 3 // 2**20  # MB, decoded
PATIENCE = 120.0  # seconds without an answer: the worker hangs
BATCH = 50  # cases handed to a worker at once
SAVE_PERIOD = 5.0  # seconds


@dataclass(frozen=True)
class Target:
    """What is fuzzed.

    Attributes:
        module, function: the function takes a random generator and returns what became of the case.
        cases: by default.
        seconds: bound of CPU time of a case.
        batch: cases handed to a worker at once.
    """

    module: str
    function: str
    cases: int
    seconds: float = SECONDS
    batch: int = BATCH


TARGETS = {
    "images": Target("messages", "images", 60_000),
    "audio": Target("messages", "audio", 40_000),
    "stream": Target("messages", "stream", 2_000, seconds=20 * SECONDS),
    "video": Target("messages", "video", 2_000, seconds=12 * SECONDS),
    "media": Target("media", "media", 1_000, seconds=20.0, batch=5),
    "ros_node": Target("ros_node", "ros_node", 3_000, seconds=20.0, batch=5),
    "models": Target("models", "models", 2_000, seconds=20.0, batch=5),
}


@dataclass
class Record:
    """How far a target is, and what was found."""

    done: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    slowest: float = 0.0
    megabytes: int = 0


def generator(target: str, case: int, seed: int) -> np.random.Generator:
    """Of one case: the same whatever was run before."""
    return np.random.default_rng([seed, *target.encode(), case])


def _prepare(target: Target) -> Any:
    import cv2

    cv2.setNumThreads(1)
    return getattr(__import__(target.module), target.function)


def _cpu_seconds() -> float:
    """Of this process and of those that it has started and that have ended."""
    return sum(os.times()[:4])


def _run_case(function: Any, name: str, case: int, seed: int) -> dict[str, Any]:
    begin = _cpu_seconds()
    answer: dict[str, Any] = {"case": case}
    try:
        answer["outcome"] = function(generator(name, case, seed))
    except BaseException:
        answer["failure"] = traceback.format_exc(limit=-4)
    answer["seconds"] = _cpu_seconds() - begin
    answer["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return answer


def _work(connection: Connection, name: str, seed: int) -> None:
    """In a worker: cases in, answers out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # codecs tell of every damaged byte
    function = _prepare(TARGETS[name])
    for case in range(-3, 0):  # what is built at the first call is not a case's
        _run_case(function, name, abs(case), seed)
    connection.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    while (case := connection.recv()) is not None:
        connection.send(_run_case(function, name, case, seed))


class Worker:
    """A process that runs cases."""

    def __init__(self, name: str, seed: int) -> None:
        self._name, self._seed = name, seed
        self.cases: list[int] = []
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        arguments = (theirs, self._name, self._seed)
        self.process = context.Process(target=_work, args=arguments, daemon=True)
        self.process.start()
        theirs.close()
        self.baseline: int | None = None
        self.heard = time.monotonic()

    def give(self, cases: list[int]) -> None:
        self.cases = cases
        self.heard = time.monotonic()
        for case in cases:
            self.connection.send(case)

    def answers(self) -> list[dict[str, Any]]:
        """What has come; a worker that died or hangs is replaced, its case a failure."""
        got: list[dict[str, Any]] = []
        try:
            while self.connection.poll(0):
                answer = self.connection.recv()
                self.heard = time.monotonic()
                if isinstance(answer, int):
                    self.baseline = answer
                    continue
                self.cases.remove(answer["case"])
                answer["megabytes"] -= self.baseline or 0
                got.append(answer)
        except (EOFError, OSError):
            got.append(self._replace(f"the process ended: {self.process.exitcode}"))
        if self.cases and time.monotonic() - self.heard > PATIENCE:
            got.append(self._replace(f"no end within {PATIENCE:g} s"))
        return got

    def _replace(self, why: str) -> dict[str, Any]:
        self.process.kill()
        self.process.join()
        if self.baseline is None:
            raise RuntimeError(f"a worker cannot begin: {why}")
        case, *rest = self.cases or [-1]
        self._start()
        self.give(rest)
        return {"case": case, "failure": why, "seconds": 0.0, "megabytes": 0}

    def close(self) -> None:
        with suppress(OSError):
            self.connection.send(None)
        self.process.join(timeout=10.0)
        self.process.kill()


def _note(record: Record, target: Target, answer: dict[str, Any]) -> None:
    record.done += 1
    failure = answer.get("failure", "")
    if not failure and answer["seconds"] > target.seconds:
        failure = f"{answer['seconds']:.2f} s of CPU"
    if not failure and answer["megabytes"] > MEGABYTES + LARGEST_IMAGE > record.megabytes:
        failure = f"{answer['megabytes']} MB more than at the beginning"
    outcome = "failure" if failure else str(answer["outcome"])
    record.outcomes[outcome] = record.outcomes.get(outcome, 0) + 1
    record.slowest = max(record.slowest, answer["seconds"])
    record.megabytes = max(record.megabytes, answer["megabytes"])
    if failure:
        record.failures.append({"case": answer["case"], "what": failure})
        print(f"case {answer['case']}: {failure}", flush=True)


def fuzz(name: str, cases: int, seed: int, workers: int, state: Path | None) -> Record:
    """Run the cases of a target that were not run."""
    file = None if state is None else state / f"{name}-{seed}.json"
    record = Record(**json.loads(file.read_text())) if file and file.exists() else Record()
    target, next_case = TARGETS[name], record.done
    team = [Worker(name, seed) for _ in range(workers)]
    shown = saved = time.monotonic()
    try:
        while record.done < cases:
            # Now and then all cases that were given are finished, so that the run can be resumed.
            pausing = file is not None and time.monotonic() - saved > SAVE_PERIOD
            for worker in team:
                if not worker.cases and next_case < cases and not pausing:
                    worker.give(list(range(next_case, min(cases, next_case + target.batch))))
                    next_case = worker.cases[-1] + 1
                for answer in worker.answers():
                    _note(record, target, answer)
            now = time.monotonic()
            if (now - shown > 5.0 and sys.stdout.isatty()) or now - shown > 30.0:
                print(f"{name}: {record.done:,} of {cases:,}, {len(record.failures)} failed")
                shown = now
            if file and pausing and not any(worker.cases for worker in team):
                _save(file, record)
                saved = now
            time.sleep(0.005)
    finally:
        for worker in team:
            worker.close()
    if file:
        _save(file, record)
    return record


def _save(file: Path, record: Record) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(record), indent=1))


def _show(name: str, record: Record) -> None:
    print(
        f"{name}: {record.done:,} cases, {len(record.failures)} failed; slowest "
        f"{record.slowest:.3f} s of CPU, at most {record.megabytes} MB more than at the beginning"
    )
    for outcome, count in Counter(record.outcomes).most_common():
        print(f"  {count:7,}  {outcome}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], help="default: all")
    parser.add_argument("--cases", type=int, help="of each target (default: by target)")
    parser.add_argument("--case", type=int, help="run this one here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--state", type=Path, help="folder that remembers how far a run is")
    given = parser.parse_args(arguments)
    names = given.target or list(TARGETS)
    if given.case is not None:
        function = _prepare(TARGETS[names[0]])
        print(function(generator(names[0], given.case, given.seed)))
        return 0
    failed = 0
    for name in names:
        cases = given.cases or TARGETS[name].cases
        record = fuzz(name, cases, given.seed, given.workers, given.state)
        _show(name, record)
        failed += len(record.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except KeyboardInterrupt:
        print("stopped; with --state the same command goes on here")
        raise SystemExit(130) from None
