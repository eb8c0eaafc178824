"""Auxiliary targets and heads that train randomly initialised encoders (stage 0 of roma_tiny).

The language-model loss alone reaches the encoders through the whole backbone and trains them very
slowly. The auxiliary loss acts on the encoders' tokens directly. The heads are discarded.

Targets that are words (colours, shapes, spoken words) are classified against the backbone's own
word embeddings: a video token of a red circle is pulled towards the embeddings of `red` and
`circle`, and an audio token of the spoken word `red` towards that of `red`. So the tokens of the
encoders are in the space of the word embeddings from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import nn

from roma_ros.world import Scene, Senses, SpokenWord
from roma_ros.world.scene import CHANGE, LOOK_EVERY
from roma_ros.world.sight_facts import SIGHT_LABELS
from roma_ros.world.words import ESC_10, PLACES, Colour, Look, Shape, Sound, counted

__all__ = [
    "AUDIO_LABELS",
    "MOTIONS",
    "VISUAL_LABELS",
    "AuxiliaryHeads",
    "AuxiliaryTargets",
    "VisibleFigure",
    "auxiliary_targets",
]

MAX_ALIKE = 3  # largest number of repetitions of a short sound
COLOURS, SHAPES, MOTIONS = tuple(Colour), tuple(Shape), ("stays", "moves")
NO_FIGURE, UNKNOWN = (0, 0, -1), (-1, -1, -1)  # target of a cell without a figure, without a label
MOVED = 0.02  # least motion between the frames of a unit, as a share of the frame's sides
NOTHING_THERE = 0.2  # loss weight of tokens without a figure or word, which are the majority
FACT_SHARE = 0.1  # weight of the loss of binary labels
SPOKEN_SHARE = 0.1  # weight of the loss of spoken words


def _seen() -> Iterator[str]:
    for colour in Colour:
        for shape in Shape:
            yield f"{Look(colour, shape)} appears"  # in either frame
            yield f"{Look(colour, shape)} stays"  # in the last frame
    for thing in (*Colour, *Shape):
        for place in PLACES:
            yield f"{thing.value} {place}"
    yield from ("touch", "touch stays")
    yield from SIGHT_LABELS


def _heard() -> Iterator[str]:
    for sound in Sound:
        yield sound.value
        if sound.countable:
            yield from (counted(sound, count) for count in range(1, MAX_ALIKE + 1))
    yield from (sound.value for sound in ESC_10)


VISUAL_LABELS, AUDIO_LABELS = (tuple(dict.fromkeys(names())) for names in (_seen, _heard))
"""Names of the binary labels on pictures and on sound of a unit."""
FIGURE_LABELS = frozenset(VISUAL_LABELS) - frozenset(SIGHT_LABELS)


@dataclass(frozen=True, slots=True)
class VisibleFigure:
    """Figure in the last frame of a unit.

    Attributes:
        look: colour and shape.
        x, y: place of its centre, as shares of the frame's sides.
        moves: whether it moves between the two frames; `None` if it is not in both, or hardly
            moves.
    """

    look: Look
    x: float
    y: float
    moves: bool | None = None

    @property
    def numbers(self) -> tuple[int, int, int]:
        """Targets of colour, shape and motion, numbered from 1; -1 if unknown."""
        colour, shape = COLOURS.index(self.look.colour), SHAPES.index(self.look.shape)
        return 1 + colour, 1 + shape, -1 if self.moves is None else 1 + self.moves


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryTargets:
    """Auxiliary targets of an example; `None` for targets without a label.

    Attributes:
        seen, heard: those of `VISUAL_LABELS` and `AUDIO_LABELS` that are true.
        spoken: spoken words with their times in seconds from the start of the first unit.
        standing: figures in the last frame.
        unclear: labels among those of `seen` that are unknown.
    """

    seen: frozenset[str] | None = None
    heard: frozenset[str] | None = None
    spoken: tuple[SpokenWord, ...] | None = None
    standing: tuple[VisibleFigure, ...] | None = None
    unclear: frozenset[str] = frozenset()

    @property
    def row(self) -> list[float]:
        """Binary labels, those of `VISUAL_LABELS` first: 1 true, 0 false, -1 unknown."""
        known = ((VISUAL_LABELS, self.seen), (AUDIO_LABELS, self.heard))
        return [
            -1.0 if facts is None or name in self.unclear else float(name in facts)
            for names, facts in known
            for name in names
        ]

    def cells(self, rows: int, columns: int) -> list[tuple[int, int, int]]:
        """Return colour, shape and motion for each cell of a grid over the last frame.

        Numbers count from 1 in the order of `Colour`, `Shape` and `MOTIONS`; 0 is none, -1 is
        unknown. A figure belongs to the cell of its centre.
        """
        empty = UNKNOWN if self.standing is None else NO_FIGURE
        cells = [empty] * (rows * columns)
        for figure in self.standing or ():
            row = min(int(figure.y * rows), rows - 1)
            column = min(int(figure.x * columns), columns - 1)
            cells[row * columns + column] = figure.numbers
        return cells

    def words(self, tokens: int, rate: float, ids: Callable[[str], Sequence[int]]) -> list[int]:
        """Return for each audio token 1 + the id of the word spoken then; 0 none, -1 unknown.

        Args:
            tokens: number of audio tokens.
            rate: audio tokens per second.
            ids: tokenizer, from text to token ids.
        """
        if self.spoken is None:
            return [-1] * tokens
        spoken = [0] * tokens
        for number, word in enumerate(self.spoken):
            id_ = ids(f" {word.text}" if number else word.text)[0]
            first, end = (round(time * rate) for time in (word.begins, word.ends))
            spoken[first:end] = [1 + id_] * (min(end, tokens) - first)
        return spoken


def auxiliary_targets(scene: Scene) -> list[AuxiliaryTargets]:
    """Return the auxiliary targets of each unit of a scene."""
    senses = Senses(scene)
    return [_Unit(senses, unit).facts for unit in range(scene.seconds)]


class _Unit:
    def __init__(self, senses: Senses, unit: int) -> None:
        self.senses, self.unit = senses, unit

    @property
    def facts(self) -> AuxiliaryTargets:
        sights = self.senses.sight_facts
        shown, unclear = sights.shown(self.unit)
        hidden = bool(sights.hidden[2 * self.unit : 2 * self.unit + 2].any())
        return AuxiliaryTargets(
            seen=frozenset(self.seen) | shown,
            heard=frozenset(self.heard),
            standing=None if hidden else tuple(self.standing),
            unclear=unclear | (FIGURE_LABELS if hidden else frozenset()),
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
    """Heads of the auxiliary loss on the encoders' tokens.

    Colour, shape and motion in a cell are classified from its video token, and the spoken word from
    each audio token, against word embeddings. Binary labels have linear heads with max pooling over
    the tokens of an example.

    Args:
        width: H, width of the encoders' tokens.
        ids: tokenizer, from text to token ids.
    """

    colours: torch.Tensor
    shapes: torch.Tensor
    motions: torch.Tensor

    def __init__(self, width: int, ids: Callable[[str], Sequence[int]]) -> None:
        super().__init__()
        self.video = nn.Linear(width, len(VISUAL_LABELS))
        self.audio = nn.Linear(width, len(AUDIO_LABELS))
        self.nothing = nn.Linear(width, 1)  # logit of a cell without a figure
        self.silence = nn.Linear(width, 1)  # logit of an audio token without a word
        for head in (self.video, self.audio):
            nn.init.constant_(head.bias, -3.0)  # most labels are false
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
        """Return the auxiliary loss, a sum over targets divided by the number of examples.

        L = (0.1 * BCE of binary labels + CE of cells + 0.1 * CE of spoken words) / B, with weight
        0.2 on tokens without a figure or word.

        Args:
            facts: (B, F) float, `AuxiliaryTargets.row` of each example.
            cells: (n, 3) int64, `AuxiliaryTargets.cells` of the n video tokens.
            spoken: (m,) int64, `AuxiliaryTargets.words` of the m audio tokens.
            video, audio: (n, H) and (m, H) tokens of the encoders.
            video_row, audio_row: (n,) and (m,) int64, index of the example of each token.
            words: (V, H) word embeddings of the backbone.
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
        word_loss = _naming_loss(spoken, audio, self.silence, words)
        return (FACT_SHARE * auxiliary_loss + cell_loss + SPOKEN_SHARE * word_loss) / len(facts)


def _naming_loss(
    names: torch.Tensor, tokens: torch.Tensor, none: nn.Linear, words: torch.Tensor
) -> torch.Tensor:
    """Return the cross-entropy of names, numbered from 1 as `words`; 0 is none, -1 is ignored."""
    tokens, names = tokens[names >= 0], names[names >= 0]
    weight = torch.where(names > 0, 1.0, NOTHING_THERE)
    surprise = nn.functional.cross_entropy(_by_words(tokens, none, words), names, reduction="none")
    return (weight * surprise).sum()


def _by_words(tokens: torch.Tensor, none: nn.Linear, words: torch.Tensor) -> torch.Tensor:
    """Return logits (n, 1 + W): none of the words, or one of them."""
    named = tokens @ words.to(tokens.dtype).T / words.shape[1] ** 0.5
    return torch.cat([none(tokens), named], dim=1).float()


def _strongest(logits: torch.Tensor, row: torch.Tensor, rows: int) -> torch.Tensor:
    """Return the maximum over the tokens of each example: (n, F) -> (rows, F)."""
    index = row[:, None].expand_as(logits)
    blank = logits.new_full((rows, logits.shape[1]), -10.0)
    return blank.scatter_reduce(0, index, logits, "amax", include_self=True)
