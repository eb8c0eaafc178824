"""How units are made."""

from dataclasses import dataclass

from .errors import AssemblerConfigError

__all__ = ["DOUBT", "AssemblerConfig"]

DOUBT = 0.5
"""A step of the stamps by more seconds than this is believed when a second item confirms it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblerConfig:
    """How units are made.

    Attributes:
        video, audio: which modalities the stream has; at least one.
        lateness: how late an item may be and still count, 0 to 5 s.
        hold: age of the last frame at the start of a unit beyond which its frames are black,
            0 to 60 s.
        max_gap: a longer gap in all modalities starts a new stream, 1.5 to 60 s.
        max_backward: stamps that go back further start a new stream, `lateness` to 60 s.

    Raises:
        AssemblerConfigError: a value outside its range.
    """

    video: bool = True
    audio: bool = True
    lateness: float = 0.15
    hold: float = 2.0
    max_gap: float = 5.0
    max_backward: float = 0.5

    def __post_init__(self) -> None:
        if not (self.video or self.audio):
            raise AssemblerConfigError("got video=False and audio=False, wanted at least one")
        ranges = {
            "lateness": (0.0, 5.0),
            "hold": (0.0, 60.0),
            "max_gap": (DOUBT, 60.0),
            "max_backward": (self.lateness, 60.0),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise AssemblerConfigError(f"got {name}={value}, wanted {low:g} to {high:g} s")
