"""Optimizer: Muon for the matrices of layers, AdamW for all other parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch.optim import AdamW, Muon, Optimizer

__all__ = ["MuonAndAdamW"]


class MuonAndAdamW(Optimizer):
    """torch's Muon (Jordan et al. 2024) and AdamW as one optimizer.

    Muon's steps are scaled to the RMS of AdamW's at the same learning rate (Liu et al. 2025).

    Args:
        matrices: groups of two-dimensional parameters for Muon, with `lr` and `weight_decay`.
        others: groups of all other parameters, for AdamW.
        betas: betas of AdamW.
    """

    def __init__(
        self,
        matrices: Sequence[dict[str, Any]],
        others: Sequence[dict[str, Any]],
        betas: tuple[float, float],
    ) -> None:
        self.parts: tuple[Optimizer, ...] = (
            Muon(matrices, adjust_lr_fn="match_rms_adamw"),
            AdamW(others, betas=betas),
        )
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        self._share_groups()

    def _share_groups(self) -> None:
        """Share the groups with both parts, so that a scheduler's rates reach them."""
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None if closure is None else closure()
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()
