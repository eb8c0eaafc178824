"""Results of checks, as data."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Check", "DoctorReport", "Section", "Status"]


class Status(enum.Enum):
    """Status of a check."""

    OK = "ok"
    ABSENT = "absent"
    """An optional part is not installed; the detail states its purpose."""
    WARNING = "warning"
    """It works in part, or is a version that was not tested."""
    FAILED = "failed"
    """It is required, and missing or broken."""


class Section(enum.Enum):
    """Section of the report."""

    LIBRARIES = "libraries"
    MAIN_JOB = "roma run"
    DEVICES = "devices"
    ROS = "ROS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the report.

    Attributes:
        section: section of the report.
        name: what was checked.
        status: status of the check.
        detail: what was found: a version, a count, an error.
        remedy: what to do, in one line; empty for a check that is OK.
    """

    section: Section
    name: str
    status: Status
    detail: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """All checks, in the order of their sections."""

    checks: tuple[Check, ...]

    @classmethod
    def of(cls, checks: Iterable[Check]) -> DoctorReport:
        """Return a report of the checks, ordered by section."""
        order = list(Section)
        return cls(tuple(sorted(checks, key=lambda check: order.index(check.section))))

    @property
    def ready(self) -> bool:
        """Whether `roma run` works: none of its checks has failed."""
        job = [check for check in self.checks if check.section is Section.MAIN_JOB]
        return bool(job) and all(check.status is not Status.FAILED for check in job)
