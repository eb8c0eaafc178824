"""How units are made."""

from dataclasses import dataclass
from typing import Literal

from roma_ros.units.errors import AssemblerConfigError

__all__ = [
    "CLOCK_ALIGNMENTS",
    "DEFAULT_LATENESS",
    "DOUBT",
    "MAX_GAP_RANGE",
    "MAX_LATENESS",
    "AssemblerConfig",
]

CLOCK_ALIGNMENTS = ("auto", "stamps", "arrival")
MAX_LATENESS = 10.0
"""The longest that anything may be waited for: s."""

DEFAULT_LATENESS = 0.15
"""Where nothing is known of arrival: s."""
DOUBT = 0.5
"""A step of the stamps by more seconds than this is believed when a second item confirms it."""
MAX_GAP_RANGE = (DOUBT, 60.0)
"""Of `AssemblerConfig.max_gap`, s: a step that is believed at once never starts a new stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblerConfig:
    """How units are made.

    Attributes:
        video, audio: which modalities the stream has; at least one.
        lateness: how late an item may be and still count, 0 to 5 s; "auto" follows what arrives,
            for each modality; None: "auto" where items come with their arrival, else 0.15 s.
        max_lateness: the most of an automatic lateness, 0 to 10 s, the length of a chunk of audio
            not counted. Stamps that lie further behind are not taken for late ones.
        clock_alignment: what is believed where items come with their arrival. "auto": stamps,
            unless those of the two sensors cannot be of one clock; "stamps": always stamps;
            "arrival": what arrives together belongs together.
        hold: age of the last frame at the start of a unit beyond which its frames are black,
            0 to 60 s.
        max_gap: a longer gap in all modalities starts a new stream, 0.5 to 60 s.
        max_backward: stamps that go back further start a new stream, a fixed `lateness` to 60 s.

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
