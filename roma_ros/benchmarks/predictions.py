"""Match prediction rows with annotation rows by their identifiers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.files import short

__all__ = ["by_identifier", "check_known"]

Row = TypeVar("Row")


def by_identifier(rows: Iterable[tuple[str, Row]], source: str) -> dict[str, Row]:
    """Return the rows by identifier.

    Args:
        rows: identifier and row.
        source: the file, for the error message.

    Raises:
        BenchmarkError: an identifier stands twice.
    """
    found: dict[str, Row] = {}
    for number, (identifier, row) in enumerate(rows, start=1):
        if identifier in found:
            raise BenchmarkError(
                f"{source}, row {number}: id {short(identifier)} stands twice; expected one row"
            )
        found[identifier] = row
    return found


def check_known(
    predicted: Mapping[str, object], annotated: Collection[str], source: str
) -> list[str]:
    """Return the annotated identifiers without a prediction, in the order of the annotations.

    Raises:
        BenchmarkError: a predicted identifier is not annotated.
    """
    known = set(annotated)
    unknown = [identifier for identifier in predicted if identifier not in known]
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise BenchmarkError(
            f"{source}: id {short(unknown[0])}{more} is in no annotation row; give the annotations "
            "that the predictions were made for"
        )
    return [identifier for identifier in annotated if identifier not in predicted]
