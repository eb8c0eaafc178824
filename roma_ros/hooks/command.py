"""Hook that runs a command for each event."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from roma_ros.hooks.errors import DeliveryError, HookError
from roma_ros.hooks.hook import Hook
from roma_ros.journal import Record, encode, kind_of

__all__ = ["CommandHook"]

TIMEOUT = 60.0  # seconds that a command may run
MAX_VALUE = 8_000  # characters of one environment variable
FIELDS = ("watch", "instruction", "text", "p_speak", "stream", "unit")  # of the event


@dataclass(eq=False)
class CommandHook(Hook):
    """Run a program, without a shell, for each event.

    The event is in the environment (ROMA_EVENT, ROMA_WATCH, ROMA_INSTRUCTION, ROMA_TEXT,
    ROMA_P_SPEAK, ROMA_STREAM, ROMA_UNIT, ROMA_SECONDS, ROMA_STAMP_NS, ROMA_SEQUENCE) and as a line
    of JSON on standard input. What the program prints goes to standard error.

    Args:
        command: program and arguments; a string is split as by a shell, without expansion.
        timeout: time after which the program is killed [s].

    Raises:
        HookError: the program is not found or cannot be executed.
    """

    command: Sequence[str] | str
    timeout: float = TIMEOUT
    _arguments: list[str] = field(init=False, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            given = self.command
            arguments = shlex.split(given) if isinstance(given, str) else list(given)
        except ValueError as error:
            raise HookError(
                f"command {self.command!r} cannot be split into arguments: {error}"
            ) from error
        if not arguments or not all(isinstance(part, str) for part in arguments):
            raise HookError(f"command is {self.command!r}; expected a program and its arguments")
        if shutil.which(os.path.expanduser(arguments[0])) is None:
            raise HookError(
                f"command {arguments[0]!r} is not found or cannot be executed; give its path, "
                "without shell syntax (use a script for pipes and variables)"
            )
        arguments[0] = os.path.expanduser(arguments[0])
        self._arguments = arguments

    def deliver(self, record: Record) -> None:
        try:
            self._process = subprocess.Popen(
                self._arguments,
                stdin=subprocess.PIPE,
                stdout=sys.__stderr__.fileno() if sys.__stderr__ else subprocess.DEVNULL,
                env=os.environ | _environment(record),
                start_new_session=True,  # Ctrl-C in a terminal ends the run first
            )
        except OSError as error:
            raise DeliveryError(f"{self} cannot be run: {error.strerror}") from error
        try:
            self._process.communicate(encode(record), timeout=self.timeout)
        except subprocess.TimeoutExpired:
            self._kill()
            raise DeliveryError(f"{self} was killed after {self.timeout:g} s") from None
        except OSError:  # it does not read its standard input
            self._process.wait()
        if self._process.returncode:
            raise DeliveryError(f"{self} failed with exit status {self._process.returncode}")

    def close(self) -> None:
        self._kill()

    def _kill(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()

    def __str__(self) -> str:
        return f"command {self._arguments[0]!r}"


def _environment(record: Record) -> dict[str, str]:
    event = record.event
    values: dict[str, object] = {
        "event": kind_of(event),
        "stamp_ns": event.stamp,
        "seconds": "" if record.seconds is None else f"{record.seconds:.3f}",
        "sequence": record.sequence,
    }
    values |= {name: getattr(event, name, "") for name in FIELDS}
    return {f"ROMA_{name.upper()}": _text(value) for name, value in values.items()}


def _text(value: object) -> str:
    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    return text.replace("\0", "")[:MAX_VALUE]
