"""Parameter presets of config/, and the choice of one for a model and a machine."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros import machine

__all__ = ["PRESETS", "Machine", "fitting_preset"]

PRESETS = ("cpu_tiny", "desktop_gpu", "jetson_orin_agx", "jetson_orin_nx")
EMBEDDED = ("", "roma_tiny")  # names of the model that cpu_tiny is for
LARGE_JETSON = 24 * 2**30  # bytes of memory; an Orin NX has at most 16 GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Properties of a machine that decide its preset.

    Args:
        board: name of the board as the device tree gives it; empty on a PC.
        memory: bytes of main memory.
    """

    board: str
    memory: int

    @classmethod
    def this(cls) -> Machine:
        """Read the properties of the machine that this process runs on."""
        return cls(board=machine.board(), memory=machine.total_memory())

    @property
    def is_jetson(self) -> bool:
        """Whether the board is NVIDIA's."""
        return any(name in self.board for name in ("Jetson", "Orin", "NVIDIA"))


def fitting_preset(model: str, machine: Machine) -> str:
    """Return the preset for a model on a machine.

    Args:
        model: checkpoint folder, or the name of the embedded checkpoint; empty: the embedded one.
        machine: the machine that the node will run on.

    Returns:
        One of `PRESETS`.
    """
    if model in EMBEDDED:
        return "cpu_tiny"
    if not machine.is_jetson:
        return "desktop_gpu"
    return "jetson_orin_agx" if machine.memory >= LARGE_JETSON else "jetson_orin_nx"
