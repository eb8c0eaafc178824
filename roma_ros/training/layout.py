"""Where the tokens of an example stand: a trunk that all see, and a branch for each question.

The trunk is the stream as a session would have it, replies among the units. A branch sees the
trunk up to its unit, and itself, as `StreamSession.branch` does; so any number of questions about
one stream cost one forward pass, and none sees another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from roma_ros.thinker.dialogue import Dialogue
from roma_ros.training.example import StreamExample

__all__ = ["TokenLayout", "UnitShape", "lay_out"]


@dataclass(frozen=True, slots=True)
class UnitShape:
    """Tokens of one unit, and their positions as `unit_positions` gives them."""

    tokens: Sequence[int]
    offsets: torch.Tensor
    advance: int


@dataclass(slots=True)
class TokenLayout:
    """One example as L tokens.

    Attributes:
        tokens: ids, placeholders among them.
        positions: pieces of (3, n) TMRoPE positions.
        sees: for each token the length of the trunk that it sees, and where its own branch
            begins; a trunk token's branch is the trunk.
        unit_ends: index of each unit's last token.
        targets: index of a token, and the id that should follow it.
    """

    tokens: list[int] = field(default_factory=list)
    positions: list[torch.Tensor] = field(default_factory=list)
    sees: list[tuple[int, int]] = field(default_factory=list)
    unit_ends: list[int] = field(default_factory=list)
    targets: list[tuple[int, int]] = field(default_factory=list)

    def add(
        self, tokens: Sequence[int], offsets: torch.Tensor, start: int, sees: tuple[int, int]
    ) -> None:
        self.tokens += tokens
        self.positions.append(offsets + start)
        self.sees += [sees] * len(tokens)

    def add_text(self, tokens: Sequence[int], start: int, sees: tuple[int, int] = (0, 0)) -> int:
        """Add text at the next positions; returns the position after it."""
        self.add(tokens, torch.arange(len(tokens)).expand(3, -1), start, sees)
        return start + len(tokens)

    def add_spoken(
        self, tokens: Sequence[int], end: int, start: int, sees: tuple[int, int] = (0, 0)
    ) -> int:
        """Add what should be said after the last token, and that it ends there."""
        last = len(self.tokens) - 1
        self.targets += [(last + n, token) for n, token in enumerate([*tokens, end])]
        return self.add_text(tokens, start, sees)

    @property
    def branched(self) -> bool:
        """Whether anything stands on a branch."""
        return self.sees[-1] != (0, 0)

    def mask(self) -> torch.Tensor:
        """(L, L) bool: which tokens each one sees."""
        index = torch.arange(len(self.tokens))
        trunk, branch = torch.tensor(self.sees).T
        causal = index[None] <= index[:, None]
        mask: torch.Tensor = causal & (
            (index[None] < trunk[:, None]) | (index[None] >= branch[:, None])
        )
        return mask


def lay_out(example: StreamExample, units: Sequence[UnitShape], dialogue: Dialogue) -> TokenLayout:
    """Lay an example out as its session and branches would see it."""
    layout = TokenLayout()
    position = layout.add_text(dialogue.opening(example.instruction), 0)
    ends: list[tuple[int, int]] = []  # length and next position of the trunk after each unit
    for number, unit in enumerate(units):
        layout.add(unit.tokens, unit.offsets, position, (0, 0))
        position += unit.advance
        layout.unit_ends.append(len(layout.tokens) - 1)
        if (reply := example.replies.get(number)) is not None:
            position = layout.add_text(dialogue.reply_header, position)
            position = layout.add_spoken(dialogue.text(reply), dialogue.end, position)
            position = layout.add_text(dialogue.closing(finished=True), position)
        ends.append((len(layout.tokens), position))
    for exchange in example.exchanges:
        trunk, position = ends[exchange.unit]
        sees = (trunk, len(layout.tokens))
        position = layout.add_text(dialogue.question(exchange.question), position, sees)
        layout.add_spoken(dialogue.text(exchange.answer), dialogue.end, position, sees)
    return layout
