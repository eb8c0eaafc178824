"""The result of one check, as data."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Check", "Report", "Section", "Status"]


class Status(enum.Enum):
    """How a check ended."""

    OK = "ok"
    ABSENT = "absent"
    """An optional part is not there; the detail says what is lacking without it."""
    WARNING = "warning"
    """It works, or part of it does, but not as it should."""
    FAILED = "failed"
    """It is needed, and missing or broken."""


class Section(enum.Enum):
    """What a check is about."""

    LIBRARIES = "libraries"
    MAIN_JOB = "roma run"
    DEVICES = "devices"
    ROS = "ROS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the report.

    Attributes:
        section: the part of the installation.
        name: of what was checked.
        status: how it ended.
        detail: what was found: a version, a count, an error.
        remedy: what to do, in one line; empty if there is nothing to do.
    """

    section: Section
    name: str
    status: Status
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, in the order in which they are shown."""

    checks: tuple[Check, ...]

    @classmethod
    def of(cls, checks: Iterable[Check]) -> Report:
        """Ordered by section."""
        order = list(Section)
        return cls(tuple(sorted(checks, key=lambda check: order.index(check.section))))

    @property
    def ready(self) -> bool:
        """Whether the main job can run: every one of its checks is there and did not fail."""
        job = [check for check in self.checks if check.section is Section.MAIN_JOB]
        return bool(job) and all(check.status is not Status.FAILED for check in job)
