"""Settings of the event journal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roma_ros.journal.record import KINDS

__all__ = ["DEFAULT_KINDS", "JournalConfig", "JournalConfigError"]

DEFAULT_KINDS = tuple(kind for kind in KINDS if kind != "speak_probability")


class JournalConfigError(ValueError):
    """Raised when a setting of the journal is out of its range; the message names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalConfig:
    """Settings of the event journal.

    Args:
        folder: folder of the files; made if it is missing.
        max_bytes: size at which a new file is started [bytes], 64 KiB to 1 GiB.
        files: files that are kept, 1 to 1,000; older ones are deleted.
        kinds: kinds of events that are written; alerts always are.
        append_timeout: longest time that `append` waits for the disk [s].

    Raises:
        JournalConfigError: a setting is out of its range.
    """

    folder: Path
    max_bytes: int = 4 * 2**20
    files: int = 8
    kinds: tuple[str, ...] = DEFAULT_KINDS
    append_timeout: float = 0.5

    def __post_init__(self) -> None:
        for name, low, high in (("max_bytes", 2**16, 2**30), ("files", 1, 1_000)):
            if not low <= (value := getattr(self, name)) <= high:
                raise JournalConfigError(f"journal {name} is {value}; expected {low} to {high}")
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown:
            raise JournalConfigError(
                f"journal kinds: {unknown[0][:40]!r} is unknown; expected "
                f"some of {', '.join(KINDS)}"
            )
