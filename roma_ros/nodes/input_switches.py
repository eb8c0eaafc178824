"""Switches of the inputs, set by the node's services."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from roma_ros.units import Modality

__all__ = ["InputSwitches"]

ALL = "~/enable"


@dataclass(frozen=True, slots=True, kw_only=True)
class InputSwitches:
    """A switch for all inputs, and one for each; an input is enabled while both are on.

    So an input that `~/enable_audio` disabled stays disabled after `~/enable`.

    Attributes:
        present: the inputs that the node has.
        off: names of the services whose switch is off.
    """

    present: tuple[Modality, ...]
    off: frozenset[str] = field(default=frozenset())

    @classmethod
    def of(cls, present: Iterable[Modality]) -> InputSwitches:
        """Return switches that are all on."""
        return cls(present=tuple(present))

    def switched(self, modality: Modality | None, on: bool) -> InputSwitches:
        """Return the switches with one of them set; `None`: the switch for all inputs."""
        name = {ALL if modality is None else service_of(modality)}
        return replace(self, off=self.off - name if on else self.off | name)

    def enabled(self, modality: Modality) -> bool:
        """Return whether the node has an input and it is enabled."""
        return modality in self.present and not self.disabled_by(modality)

    @property
    def disabled(self) -> frozenset[Modality]:
        """The inputs that the node has and that are disabled."""
        return frozenset(modality for modality in self.present if self.disabled_by(modality))

    @property
    def why_disabled(self) -> str:
        """The disabled inputs and the services that disabled them, as text; empty if none."""
        parts = (
            f"{modality.value} is disabled by {' and '.join(self.disabled_by(modality))}"
            for modality in self.present
            if self.disabled_by(modality)
        )
        return ", ".join(parts)

    def __str__(self) -> str:
        """Return a text such as "video is enabled, audio is disabled by ~/enable_audio"."""
        on = ", ".join(f"{m.value} is enabled" for m in self.present if self.enabled(m))
        return ", ".join(part for part in (on, self.why_disabled) if part)

    def disabled_by(self, modality: Modality) -> list[str]:
        """Return the names of the services that have disabled an input."""
        return [name for name in (ALL, service_of(modality)) if name in self.off]


def service_of(modality: Modality) -> str:
    """Return the name of the service that enables and disables an input."""
    return f"{ALL}_{modality.value}"
