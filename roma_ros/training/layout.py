"""Token layout of an example: a trunk for the stream, and a branch for each question.

The trunk is the token sequence of a session: opening turns, units, replies. The tokens of a branch
follow the trunk; they attend to the trunk up to their unit and to their own branch, as in
`StreamSession.branch`. So one forward pass covers any number of questions about a stream, and no
question attends to another.

A session with a window evicts its oldest unit before it runs the next one. Tokens know the step
that they are run in and the unit that they are evicted with, from which the mask follows. A session
also rotates its attention sink to stand right before the oldest unit; here the sink stays in place,
and `sink_shifts` says by how much each token should see it shifted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from roma_ros.thinker.dialogue import Dialogue
from roma_ros.training.example import Exchange, StreamExample

__all__ = ["TokenLayout", "UnitShape", "lay_out"]

NEVER = 2**30
"""Unit of tokens that are not evicted."""


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
        steps: for each token, number of the unit whose step runs it.
        leaves_with: for each token, number of the unit that it is evicted with, or `NEVER`.
        window: number of units that stay visible; `None` for all.
        unit_starts: position of each unit; after the last one, the next free position.
        spoken_units: number of first units whose audio is never evicted.
        unit_ends: index of the last token of each unit.
        targets: pairs of the index of a token and the id of the token that should follow it.
    """

    tokens: list[int] = field(default_factory=list)
    positions: list[torch.Tensor] = field(default_factory=list)
    attends_to: list[tuple[int, int]] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    leaves_with: list[int] = field(default_factory=list)
    window: int | None = None
    unit_starts: list[int] = field(default_factory=list)
    spoken_units: int = 0
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

    def assign(self, step: int, leaves_with: int) -> None:
        """Set step and unit of all tokens that were appended since the last call."""
        count = len(self.tokens) - len(self.steps)
        self.steps += [step] * count
        self.leaves_with += [leaves_with] * count

    @property
    def branched(self) -> bool:
        """Whether the layout has a branch."""
        return self.attends_to[-1] != (0, 0)

    @property
    def evicts(self) -> bool:
        """Whether a unit is evicted."""
        return self.window is not None and len(self.unit_ends) > self.window

    def mask(self) -> torch.Tensor:
        """Return the attention mask: bool (L, L), true where a row attends to a column."""
        index = torch.arange(len(self.tokens))
        trunk, branch = torch.tensor(self.attends_to).T
        causal = index[None] <= index[:, None]
        mask: torch.Tensor = causal & (
            (index[None] < trunk[:, None]) | (index[None] >= branch[:, None])
        )
        if self.window is not None and self.evicts:
            oldest = torch.tensor(self.steps) - self.window + 1
            mask &= torch.tensor(self.leaves_with)[None] >= oldest[:, None]
        return mask

    def sink(self) -> torch.Tensor:
        """Return which tokens are in the attention sink, or will be: bool (L,)."""
        trunk = torch.tensor([branch == 0 for _, branch in self.attends_to])
        return trunk & (torch.tensor(self.leaves_with) == NEVER)

    def sink_shifts(self) -> torch.Tensor:
        """Return by how many positions each token sees the sink shifted: int64 (L,)."""
        starts = torch.tensor(self.unit_starts)
        if self.window is None or len(starts) <= self.spoken_units:
            return torch.zeros(len(self.tokens), dtype=torch.long)
        oldest = (torch.tensor(self.steps) - self.window + 1).clamp(min=0)
        return (starts[oldest] - starts[self.spoken_units]).clamp(min=0)


def lay_out(example: StreamExample, units: Sequence[UnitShape], dialogue: Dialogue) -> TokenLayout:
    """Return the layout of an example, as its session and branches would have it.

    Args:
        example: the example.
        units: tokens and positions of its units.
        dialogue: token ids of the dialogue turns.
    """
    layout = TokenLayout(window=example.window, spoken_units=example.spoken_units)
    window = NEVER if example.window is None else example.window
    position = layout.add_text(dialogue.opening(example.instruction), 0)
    layout.assign(0, NEVER)
    # Length and next position of the trunk after each unit, and text that the branch runs itself.
    ends: list[tuple[int, int, list[int]]] = []
    kept: dict[int, list[Exchange]] = defaultdict(list)
    for exchange in example.exchanges:
        if exchange.kept:
            kept[exchange.unit].append(exchange)
    for number, unit in enumerate(units):
        layout.unit_starts.append(position)
        layout.add(unit.tokens, unit.offsets, position, (0, 0))
        layout.assign(number, number)
        if number < example.spoken_units:
            _keep_audio(layout, len(unit.tokens), dialogue.token("<|VIDEO|>"))
        position += unit.advance
        layout.unit_ends.append(len(layout.tokens) - 1)
        pending: list[int] = []
        if (reply := example.replies.get(number)) is not None:
            position = layout.add_text(dialogue.reply_header, position)
            position = layout.add_spoken(dialogue.text(reply), dialogue.end, position)
            layout.assign(number, number)
            pending = dialogue.closing(finished=True)
        # Until a unit is evicted, it makes no difference with which unit this text is run.
        evicts_next = number + 1 >= window
        if pending and not evicts_next:
            position = layout.add_text(pending, position)
            pending = []
        ends.append((len(layout.tokens), position, pending))
        for exchange in kept[number]:
            pending = [
                *pending,
                *dialogue.question(exchange.question),
                *dialogue.text(exchange.answer),
                *dialogue.closing(finished=True),
            ]
        if window > 1:  # else it is evicted before it is run
            position = layout.add_text(pending, position)
        layout.assign(number + 1, number)
    layout.unit_starts.append(position)
    for exchange in example.exchanges:
        trunk, position, pending = ends[exchange.unit]
        attends_to = (trunk, len(layout.tokens))
        question = [*pending, *dialogue.question(exchange.question)]
        position = layout.add_text(question, position, attends_to)
        layout.add_spoken(dialogue.text(exchange.answer), dialogue.end, position, attends_to)
        layout.assign(exchange.unit, NEVER)
    return layout


def _keep_audio(layout: TokenLayout, count: int, video: int) -> None:
    """Mark the last `count` tokens as never evicted, apart from those of video."""
    for index in range(len(layout.tokens) - count, len(layout.tokens)):
        if layout.tokens[index] != video:
            layout.leaves_with[index] = NEVER
