"""Which inputs the node takes, as its services switch them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from roma_ros.units import Modality

__all__ = ["InputSwitches"]

ALL = "~/enable"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSwitches:
    """One switch for all inputs, and one for each; an input is taken while both are on.

    So `~/enable` gives back what it took, and leaves off what `~/enable_audio` switched off.

    Attributes:
        present: inputs that the node has.
        off: names of the services whose switch is off.
    """

    present: tuple[Modality, ...]
    off: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, present: Iterable[Modality]) -> InputSwitches:
        """All on."""
        return cls(present=tuple(present))

    def switched(self, modality: Modality | None, on: bool) -> InputSwitches:
        """The switches with one of them set; `None` is the one for all inputs."""
        name = {ALL if modality is None else service_of(modality)}
        return replace(self, off=self.off - name if on else self.off | name)

    def enabled(self, modality: Modality) -> bool:
        """Whether an input is there and is taken."""
        return modality in self.present and not self.off_by(modality)

    @property
    def disabled(self) -> frozenset[Modality]:
        """Inputs that are there and are not taken."""
        return frozenset(modality for modality in self.present if self.off_by(modality))

    @property
    def why_disabled(self) -> str:
        """Names what is not taken, and by which service; empty if all is."""
        parts = (
            f"{modality.value} is disabled by {' and '.join(self.off_by(modality))}"
            for modality in self.present
            if self.off_by(modality)
        )
        return ", ".join(parts)

    def __str__(self) -> str:
        """Such as "video is enabled, audio is disabled by ~/enable_audio"."""
        on = ", ".join(f"{m.value} is enabled" for m in self.present if self.enabled(m))
        return ", ".join(part for part in (on, self.why_disabled) if part)

    def off_by(self, modality: Modality) -> list[str]:
        """Names of the services that have switched an input off."""
        return [name for name in (ALL, service_of(modality)) if name in self.off]


def service_of(modality: Modality) -> str:
    """Name of the service that switches one input."""
    return f"{ALL}_{modality.value}"
