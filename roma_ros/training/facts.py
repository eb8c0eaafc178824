"""What is true of a stream, fact by fact: what encoders that know nothing learn to see and hear by.

Only stage 0 does this, for roma_tiny: its heads are thrown away. A language-model loss alone
reaches encoders with random weights through all of the backbone, and teaches them very slowly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from roma_ros.world import Scene, Senses
from roma_ros.world.scene import LOOK_EVERY
from roma_ros.world.words import NUMBERS, PLACES, Colour, Look, Shape, Sound, counted

__all__ = ["HEARD", "LOOKS", "SAID", "SEEN", "FactHeads", "Facts", "facts_of"]

MAX_ALIKE = 3  # short sounds one after another
LOOKS = tuple(Look(colour, shape) for colour in Colour for shape in Shape)
NOTHING_THERE = 0.2  # weight of a cell in which no figure is: most are such
FACT_SHARE = 0.1  # of the facts' loss, a sum over dozens, beside that of the cells
SENTENCES = """
    alert me when every time you hear a appears while sounds sound touches touch
    is there has been did come does before what was where so far how many now
    first last one colour shape shapes do are or came the which
"""  # words of instructions and questions, besides the names of things


def _seen() -> Iterator[str]:
    for colour in Colour:
        for shape in Shape:
            yield f"{Look(colour, shape)} appears"  # in either frame
            yield f"{Look(colour, shape)} stays"  # in the last frame
    for thing in (*Colour, *Shape):
        for place in PLACES:
            yield f"{thing.value} {place}"
    yield from ("touch", "touch stays")


def _heard() -> Iterator[str]:
    for sound in Sound:
        yield sound.value
        if sound.countable:
            yield from (counted(sound, count) for count in range(1, MAX_ALIKE + 1))


def _said() -> Iterator[str]:
    yield from SENTENCES.split()
    yield from NUMBERS
    for thing in (*Colour, *Shape, *Sound):
        yield thing.value
    yield from (f"{sound.value}s" for sound in Sound)
    yield from (f"{shape.value}{'es' if shape is Shape.CROSS else 's'}" for shape in Shape)


SEEN, HEARD, SAID = (tuple(dict.fromkeys(names())) for names in (_seen, _heard, _said))
"""Names of facts; `SAID` are words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is true of an example as a whole; `None` where nobody has looked or listened.

    Attributes:
        seen, heard, said: what of `SEEN`, `HEARD` and `SAID` is true.
        standing: where the figures of the last frame are: look, and x and y as shares of its sides.
    """

    seen: frozenset[str] | None = None
    heard: frozenset[str] | None = None
    said: frozenset[str] | None = None
    standing: tuple[tuple[Look, float, float], ...] | None = None

    @property
    def row(self) -> list[float]:
        """1 true, 0 not, -1 unknown, for every fact: `SEEN`, `HEARD`, `SAID`."""
        known = ((SEEN, self.seen), (HEARD, self.heard), (SAID, self.said))
        return [
            -1.0 if facts is None else float(name in facts)
            for names, facts in known
            for name in names
        ]

    def cells(self, rows: int, columns: int) -> list[int]:
        """The number of the look in each cell of a grid over the last frame; 0: none, -1: unknown.

        Looks are numbered from 1, as in `LOOKS`; a figure is in the cell of its centre.
        """
        if self.standing is None:
            return [-1] * (rows * columns)
        cells = [0] * (rows * columns)
        for look, x, y in self.standing:
            row, column = min(int(y * rows), rows - 1), min(int(x * columns), columns - 1)
            cells[row * columns + column] = 1 + LOOKS.index(look)
        return cells


def facts_of(scene: Scene) -> list[Facts]:
    """What is true of each unit of a scene."""
    senses = Senses(scene)
    return [_Unit(senses, unit).facts for unit in range(scene.seconds)]


class _Unit:
    def __init__(self, senses: Senses, unit: int) -> None:
        self.senses, self.unit = senses, unit

    @property
    def facts(self) -> Facts:
        return Facts(
            seen=frozenset(self.seen), heard=frozenset(self.heard), standing=tuple(self.standing)
        )

    @property
    def standing(self) -> Iterator[tuple[Look, float, float]]:
        for figure in self.senses.figures_after(self.unit):
            yield figure.look, *figure.place(self.unit + LOOK_EVERY)

    @property
    def seen(self) -> Iterator[str]:
        for figure in self.senses.figures:
            if self.unit in figure.seen_in:
                yield f"{figure.look} appears"
        for figure in self.senses.figures_after(self.unit):
            yield f"{figure.look} stays"
            x, _ = figure.place(self.unit + LOOK_EVERY)
            place = PLACES[min(int(x * 3), 2)]
            yield f"{figure.look.colour.value} {place}"
            yield f"{figure.look.shape.value} {place}"
        if any(self.unit in touch.seen_in for touch in self.senses.touches):
            yield "touch"
        if self.senses.touches_after(self.unit):
            yield "touch stays"

    @cached_property
    def heard(self) -> list[str]:
        events = self.senses.sounds_in(self.unit)
        kinds = [event.kind.value for event in events]
        return kinds + [counted(e.kind, e.count) for e in events if e.kind.countable]


class FactHeads(nn.Module):
    """Linear heads on every token of the encoders: of a fact, the strongest token decides.

    Args:
        width: H of the encoders' tokens.
    """

    weights: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.video = nn.Linear(width, len(SEEN))
        self.audio = nn.Linear(width, len(HEARD) + len(SAID))
        self.cells = nn.Linear(width, 1 + len(LOOKS))
        for head in (self.video, self.audio):
            nn.init.constant_(head.bias, -3.0)  # most facts are not true
        weights = torch.tensor([NOTHING_THERE] + [1.0] * len(LOOKS))
        self.register_buffer("weights", weights, persistent=False)

    def loss(
        self,
        facts: torch.Tensor,
        cells: torch.Tensor,
        video: torch.Tensor,
        video_row: torch.Tensor,
        audio: torch.Tensor,
        audio_row: torch.Tensor,
    ) -> torch.Tensor:
        """Cross-entropies of facts and cells, summed up per example.

        Args:
            facts: (B, F) as `Facts.row`.
            cells: (n,) int64, as `Facts.cells`, of the video tokens.
            video, audio: (n, H) tokens of the encoders; video_row, audio_row: (n,) whose they are.
        """
        seen = _strongest(self.video(video).float(), video_row, len(facts))
        heard = _strongest(self.audio(audio).float(), audio_row, len(facts))
        logits = torch.cat([seen, heard], dim=1)
        known = facts >= 0
        fact_loss = nn.functional.binary_cross_entropy_with_logits(
            logits[known], facts[known], reduction="sum"
        )
        cell_loss = nn.functional.cross_entropy(
            self.cells(video).float(), cells, self.weights, ignore_index=-1, reduction="sum"
        )
        return (FACT_SHARE * fact_loss + cell_loss) / len(facts)


def _strongest(logits: torch.Tensor, row: torch.Tensor, rows: int) -> torch.Tensor:
    """(n, F) of tokens -> (rows, F)."""
    index = row[:, None].expand_as(logits)
    blank = logits.new_full((rows, logits.shape[1]), -10.0)
    return blank.scatter_reduce(0, index, logits, "amax", include_self=True)
