"""Token layout of an example: a trunk for the stream, and a branch for each question.

The trunk is the token sequence of a session: opening turns, units, replies. The tokens of a branch
follow the trunk; they attend to the trunk up to their unit and to their own branch, as in
`StreamSession.branch`. So one forward pass covers any number of questions about a stream, and no
question attends to another.
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
    """Tokens and positions of one unit of n tokens.

    Attributes:
        tokens: n token ids.
        offsets: (3, n) int64, TMRoPE positions relative to the start of the unit.
        advance: number of positions that the unit takes.
    """

    tokens: Sequence[int]
    offsets: torch.Tensor
    advance: int


@dataclass(slots=True)
class TokenLayout:
    """Tokens of one example, L in total.

    Attributes:
        tokens: L token ids, with placeholders for video and audio.
        positions: TMRoPE positions as pieces of (3, n), L columns in total.
        attends_to: for each token, length of the visible trunk and index of the first token of
            its branch; (0, 0) for tokens of the trunk.
        unit_ends: index of the last token of each unit.
        targets: pairs of the index of a token and the id of the token that should follow it.
    """

    tokens: list[int] = field(default_factory=list)
    positions: list[torch.Tensor] = field(default_factory=list)
    attends_to: list[tuple[int, int]] = field(default_factory=list)
    unit_ends: list[int] = field(default_factory=list)
    targets: list[tuple[int, int]] = field(default_factory=list)

    def add(
        self, tokens: Sequence[int], offsets: torch.Tensor, start: int, attends_to: tuple[int, int]
    ) -> None:
        """Append tokens at positions `start` + offsets."""
        self.tokens += tokens
        self.positions.append(offsets + start)
        self.attends_to += [attends_to] * len(tokens)

    def add_text(
        self, tokens: Sequence[int], start: int, attends_to: tuple[int, int] = (0, 0)
    ) -> int:
        """Append text from position `start` on; return the position after it."""
        self.add(tokens, torch.arange(len(tokens)).expand(3, -1), start, attends_to)
        return start + len(tokens)

    def add_spoken(
        self, tokens: Sequence[int], end: int, start: int, attends_to: tuple[int, int] = (0, 0)
    ) -> int:
        """Append text that the model should decode, as targets followed by `end`."""
        last = len(self.tokens) - 1
        self.targets += [(last + n, token) for n, token in enumerate([*tokens, end])]
        return self.add_text(tokens, start, attends_to)

    @property
    def branched(self) -> bool:
        """Whether the layout has a branch."""
        return self.attends_to[-1] != (0, 0)

    def mask(self) -> torch.Tensor:
        """Return the attention mask: bool (L, L), true where a row attends to a column."""
        index = torch.arange(len(self.tokens))
        trunk, branch = torch.tensor(self.attends_to).T
        causal = index[None] <= index[:, None]
        mask: torch.Tensor = causal & (
            (index[None] < trunk[:, None]) | (index[None] >= branch[:, None])
        )
        return mask


def lay_out(example: StreamExample, units: Sequence[UnitShape], dialogue: Dialogue) -> TokenLayout:
    """Return the layout of an example, as its session and branches would have it.

    Args:
        example: the example.
        units: tokens and positions of its units.
        dialogue: token ids of the dialogue turns.
    """
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
        attends_to = (trunk, len(layout.tokens))
        position = layout.add_text(dialogue.question(exchange.question), position, attends_to)
        layout.add_spoken(dialogue.text(exchange.answer), dialogue.end, position, attends_to)
    return layout
