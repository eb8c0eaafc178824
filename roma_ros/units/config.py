"""Settings of the assembler."""

from dataclasses import dataclass
from typing import Literal

from roma_ros.units.errors import AssemblerConfigError

__all__ = [
    "CLOCK_ALIGNMENTS",
    "DEFAULT_LATENESS",
    "MAX_GAP_RANGE",
    "MAX_LATENESS",
    "UNCONFIRMED_STEP",
    "AssemblerConfig",
]

CLOCK_ALIGNMENTS = ("auto", "stamps", "arrival")
MAX_LATENESS = 10.0
"""Upper bound of `AssemblerConfig.max_lateness`, s."""

DEFAULT_LATENESS = 0.15
"""Lateness where the time of arrival is not known, s."""
UNCONFIRMED_STEP = 0.5
"""Largest forward step of the stamps that needs no second item to confirm it, s."""
MAX_GAP_RANGE = (UNCONFIRMED_STEP, 60.0)
"""Range of `AssemblerConfig.max_gap`, s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblerConfig:
    """Settings of the assembler.

    Attributes:
        video, audio: which modalities the stream has; at least one.
        lateness: how late an item may arrive and still be used, 0 to 5 s; "auto": measured, for
            each modality; None: "auto" where items come with their arrival, else 0.15 s.
        max_lateness: upper bound of a measured lateness, 0 to 10 s, without the length of an audio
            chunk. Stamps that are older by more do not count as late, but as wrong.
        clock_alignment: which times are used where items come with their arrival. "auto": stamps,
            unless those of the two sensors cannot be of one clock; "stamps": always stamps;
            "arrival": the time of arrival.
        hold: age of the last frame at the start of a unit beyond which the unit's frames are
            black, 0 to 60 s.
        max_gap: a longer gap in all modalities starts a new stream, 0.5 to 60 s.
        max_backward: stamps that go back further start a new stream, 0 to 60 s, not less than a
            fixed `lateness`.

    Raises:
        AssemblerConfigError: a value outside its range.
    """

    video: bool = True
    audio: bool = True
    lateness: float | Literal["auto"] | None = None
    max_lateness: float = 2.0
    clock_alignment: str = "auto"
    hold: float = 2.0
    max_gap: float = 5.0
    max_backward: float = 0.5

    def __post_init__(self) -> None:
        if not (self.video or self.audio):
            raise AssemblerConfigError(
                "video and audio are both False; expected at least one of them"
            )
        if self.clock_alignment not in CLOCK_ALIGNMENTS:
            raise AssemblerConfigError(
                f"clock_alignment is {self.clock_alignment!r}; expected one of "
                f"{', '.join(CLOCK_ALIGNMENTS)}"
            )
        if isinstance(self.lateness, str) and self.lateness != "auto":
            raise AssemblerConfigError(
                f'lateness is {self.lateness!r}; expected "auto" or 0 to 5 s'
            )
        ranges = {
            "lateness": (0.0, 5.0),
            "max_lateness": (0.0, MAX_LATENESS),
            "hold": (0.0, 60.0),
            "max_gap": MAX_GAP_RANGE,
            "max_backward": (self._least_backward, 60.0),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value == "auto" or value is None:
                continue
            if not low <= value <= high:
                raise AssemblerConfigError(f"{name} is {value} s; expected {low:g} to {high:g} s")

    @property
    def _least_backward(self) -> float:
        if self.lateness == "auto":
            return 0.0
        return DEFAULT_LATENESS if self.lateness is None else self.lateness
