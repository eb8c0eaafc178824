"""What is true of a stream, fact by fact: what encoders that know nothing learn to see and hear by.

Only stage 0 does this, for roma_tiny: its heads are thrown away. A language-model loss alone
reaches encoders with random weights through all of the backbone, and teaches them very slowly.

What has a name in words is learnt by the backbone's own embeddings of these words. So a token that
shows a red circle comes to point where the words `red` and `circle` do, and one in which `red` is
said too: a backbone need not find out what the encoders' tokens mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from roma_ros.world import Scene, Senses, SpokenWord
from roma_ros.world.scene import CHANGE, LOOK_EVERY
from roma_ros.world.words import PLACES, Colour, Look, Shape, Sound, counted

__all__ = [
    "AUDIO_LABELS",
    "MOTIONS",
    "VISUAL_LABELS",
    "AuxiliaryHeads",
    "AuxiliaryTargets",
    "VisibleFigure",
    "auxiliary_targets",
]

MAX_ALIKE = 3  # short sounds one after another
COLOURS, SHAPES, MOTIONS = tuple(Colour), tuple(Shape), ("stays", "moves")
NOBODY, UNKNOWN = (0, 0, -1), (-1, -1, -1)  # in a cell
MOVED = 0.02  # of the frame's sides, between a unit's two frames
NOTHING_THERE = 0.2  # weight of a token that shows no figure, or no word: most are such
FACT_SHARE = 0.1  # of the facts' loss, a sum over dozens, beside that of the cells
SAID_SHARE = 0.1  # of the loss of what is said, a sum over all audio tokens


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


VISUAL_LABELS, AUDIO_LABELS = (tuple(dict.fromkeys(names())) for names in (_seen, _heard))
"""Names of facts."""


@dataclass(frozen=True, slots=True)
class VisibleFigure:
    """A figure of the last frame.

    Attributes:
        look: of it.
        x, y: where it is, as shares of the frame's sides.
        moves: between the unit's two frames; `None`: it is not in both, or hardly moves.
    """

    look: Look
    x: float
    y: float
    moves: bool | None = None

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Of its colour, shape and motion: from 1, -1: unknown."""
        colour, shape = COLOURS.index(self.look.colour), SHAPES.index(self.look.shape)
        return 1 + colour, 1 + shape, -1 if self.moves is None else 1 + self.moves


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryTargets:
    """What is true of an example as a whole; `None` where nobody has looked or listened.

    Attributes:
        seen, heard: what of `VISUAL_LABELS` and `AUDIO_LABELS` is true.
        said: the words of the sentence that is said; times are from the first unit's beginning.
        standing: the figures of the last frame.
    """

    seen: frozenset[str] | None = None
    heard: frozenset[str] | None = None
    said: tuple[SpokenWord, ...] | None = None
    standing: tuple[VisibleFigure, ...] | None = None

    @property
    def row(self) -> list[float]:
        """1 true, 0 not, -1 unknown, for every fact: `VISUAL_LABELS`, `AUDIO_LABELS`."""
        known = ((VISUAL_LABELS, self.seen), (AUDIO_LABELS, self.heard))
        return [
            -1.0 if facts is None else float(name in facts)
            for names, facts in known
            for name in names
        ]

    def cells(self, rows: int, columns: int) -> list[tuple[int, int, int]]:
        """Colour, shape and motion in each cell of a grid over the last frame.

        Numbered from 1, as `Colour`, `Shape` and `MOTIONS`; 0: none, -1: unknown. A figure is in
        the cell of its centre.
        """
        nobody = UNKNOWN if self.standing is None else NOBODY
        cells = [nobody] * (rows * columns)
        for figure in self.standing or ():
            row = min(int(figure.y * rows), rows - 1)
            column = min(int(figure.x * columns), columns - 1)
            cells[row * columns + column] = figure.numbers
        return cells

    def words(self, tokens: int, rate: float, ids: Callable[[str], Sequence[int]]) -> list[int]:
        """1 + the id of the word that is being said at each audio token; 0: none, -1: unknown.

        Args:
            tokens: how many.
            rate: tokens a second.
            ids: of a text's tokens.
        """
        if self.said is None:
            return [-1] * tokens
        spoken = [0] * tokens
        for number, word in enumerate(self.said):
            id_ = ids(f" {word.text}" if number else word.text)[0]
            first, end = (round(time * rate) for time in (word.begins, word.ends))
            spoken[first:end] = [1 + id_] * (min(end, tokens) - first)
        return spoken


def auxiliary_targets(scene: Scene) -> list[AuxiliaryTargets]:
    """What is true of each unit of a scene."""
    senses = Senses(scene)
    return [_Unit(senses, unit).facts for unit in range(scene.seconds)]


class _Unit:
    def __init__(self, senses: Senses, unit: int) -> None:
        self.senses, self.unit = senses, unit

    @property
    def facts(self) -> AuxiliaryTargets:
        return AuxiliaryTargets(
            seen=frozenset(self.seen), heard=frozenset(self.heard), standing=tuple(self.standing)
        )

    @property
    def standing(self) -> Iterator[VisibleFigure]:
        for figure in self.senses.figures_after(self.unit):
            was, now = (figure.place(self.unit + after) for after in (0.0, LOOK_EVERY))
            moved = max(abs(a - b) for a, b in zip(was, now, strict=True))
            clear = figure.appears + CHANGE < self.unit and (moved == 0 or moved > MOVED)
            yield VisibleFigure(figure.look, *now, moves=moved > 0 if clear else None)

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


class AuxiliaryHeads(nn.Module):
    """What the encoders' tokens say, by the embeddings of words and by linear heads.

    What stands in a cell is read off its video token as words, a colour, a shape, and whether it
    moves; what is said off each audio token, as the word that is being said there; and all other
    facts by linear heads, of whose tokens the strongest decides.

    Args:
        width: H of the encoders' tokens.
        ids: of a text's tokens.
    """

    colours: torch.Tensor
    shapes: torch.Tensor
    motions: torch.Tensor

    def __init__(self, width: int, ids: Callable[[str], Sequence[int]]) -> None:
        super().__init__()
        self.video = nn.Linear(width, len(VISUAL_LABELS))
        self.audio = nn.Linear(width, len(AUDIO_LABELS))
        self.nothing = nn.Linear(width, 1)  # in a cell
        self.silence = nn.Linear(width, 1)  # nobody speaks
        for head in (self.video, self.audio):
            nn.init.constant_(head.bias, -3.0)  # most facts are not true
        names = {
            "colours": [colour.value for colour in COLOURS],
            "shapes": [shape.value for shape in SHAPES],
            "motions": MOTIONS,
        }
        for kind, words in names.items():
            first = [ids(f" {word}")[0] for word in words]
            self.register_buffer(kind, torch.tensor(first), persistent=False)

    def loss(
        self,
        facts: torch.Tensor,
        cells: torch.Tensor,
        spoken: torch.Tensor,
        video: torch.Tensor,
        video_row: torch.Tensor,
        audio: torch.Tensor,
        audio_row: torch.Tensor,
        words: torch.Tensor,
    ) -> torch.Tensor:
        """The losses of facts, cells and sentences, summed up per example.

        Args:
            facts: (B, F) as `AuxiliaryTargets.row`.
            cells: (n, 3) int64, as `AuxiliaryTargets.cells`, of the video tokens.
            spoken: (n,) int64, as `AuxiliaryTargets.words`, of the audio tokens.
            video, audio: (n, H) tokens of the encoders; video_row, audio_row: (n,) whose they are,
                in order.
            words: (V, H) embeddings.
        """
        seen = _strongest(self.video(video).float(), video_row, len(facts))
        heard = _strongest(self.audio(audio).float(), audio_row, len(facts))
        logits = torch.cat([seen, heard], dim=1)
        known = facts >= 0
        auxiliary_loss = nn.functional.binary_cross_entropy_with_logits(
            logits[known], facts[known], reduction="sum"
        )
        kinds = zip(cells.T, (self.colours, self.shapes, self.motions), strict=True)
        cell_loss = words.new_zeros(())
        for numbers, named in kinds:
            cell_loss = cell_loss + _naming_loss(numbers, video, self.nothing, words[named])
        said_loss = _naming_loss(spoken, audio, self.silence, words)
        return (FACT_SHARE * auxiliary_loss + cell_loss + SAID_SHARE * said_loss) / len(facts)


def _naming_loss(
    names: torch.Tensor, tokens: torch.Tensor, none: nn.Linear, words: torch.Tensor
) -> torch.Tensor:
    """Of each token's name, numbered from 1 as `words` are; 0: none of them, -1: unknown."""
    tokens, names = tokens[names >= 0], names[names >= 0]
    weight = torch.where(names > 0, 1.0, NOTHING_THERE)
    surprise = nn.functional.cross_entropy(_by_words(tokens, none, words), names, reduction="none")
    return (weight * surprise).sum()


def _by_words(tokens: torch.Tensor, none: nn.Linear, words: torch.Tensor) -> torch.Tensor:
    """(n, 1 + W) logits: none of the words, or one of them."""
    named = tokens @ words.to(tokens.dtype).T / words.shape[1] ** 0.5
    return torch.cat([none(tokens), named], dim=1).float()


def _strongest(logits: torch.Tensor, row: torch.Tensor, rows: int) -> torch.Tensor:
    """(n, F) of tokens -> (rows, F)."""
    index = row[:, None].expand_as(logits)
    blank = logits.new_full((rows, logits.shape[1]), -10.0)
    return blank.scatter_reduce(0, index, logits, "amax", include_self=True)
