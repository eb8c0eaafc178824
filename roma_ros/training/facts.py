"""What is true of a stream, fact by fact: what encoders that know nothing learn to see and hear by.

Only stage 0 does this, for roma_tiny: its heads are thrown away. A language-model loss alone
reaches encoders with random weights through all of the backbone, and teaches them very slowly.

What has a name in words is learnt by the backbone's own embeddings of these words. So a token that
shows a red circle comes to point where the words `red` and `circle` do, and one in which `red` is
said too: a backbone need not find out what the encoders' tokens mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
SAID_SHARE = 0.1  # of a sentence's loss, a sum over its words
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
        seen, heard: what of `SEEN` and `HEARD` is true.
        said: the sentence that is said, in words of `SAID`.
        standing: where the figures of the last frame are: look, and x and y as shares of its sides.
    """

    seen: frozenset[str] | None = None
    heard: frozenset[str] | None = None
    said: str | None = None
    standing: tuple[tuple[Look, float, float], ...] | None = None

    @property
    def row(self) -> list[float]:
        """1 true, 0 not, -1 unknown, for every fact: `SEEN`, `HEARD`, `SAID`."""
        said = None if self.said is None else re.findall(r"\w+", self.said)
        known = ((SEEN, self.seen), (HEARD, self.heard), (SAID, said))
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
    """What the encoders' tokens say, by the embeddings of words and by linear heads.

    A cell's look is read off its video token as two words, a colour and a shape; a sentence off the
    audio tokens of its units, word by word in their order (CTC, Graves et al. 2006); and all other
    facts by linear heads, of whose tokens the strongest decides.

    Args:
        width: H of the encoders' tokens.
        colours, shapes: ids of the words for each `Colour` and `Shape`, in their order.
    """

    colours: torch.Tensor
    shapes: torch.Tensor

    def __init__(self, width: int, colours: Sequence[int], shapes: Sequence[int]) -> None:
        super().__init__()
        self.video = nn.Linear(width, len(SEEN))
        self.audio = nn.Linear(width, len(HEARD) + len(SAID))
        self.nothing = nn.Linear(width, 1)  # in a cell
        self.blank = nn.Linear(width, 1)  # no word ends here
        for head in (self.video, self.audio):
            nn.init.constant_(head.bias, -3.0)  # most facts are not true
        for name, words in (("colours", colours), ("shapes", shapes)):
            self.register_buffer(name, torch.tensor(words), persistent=False)

    def loss(
        self,
        facts: torch.Tensor,
        cells: torch.Tensor,
        said: torch.Tensor,
        said_lengths: torch.Tensor,
        video: torch.Tensor,
        video_row: torch.Tensor,
        audio: torch.Tensor,
        audio_row: torch.Tensor,
        words: torch.Tensor,
    ) -> torch.Tensor:
        """The losses of facts, cells and sentences, summed up per example.

        Args:
            facts: (B, F) as `Facts.row`.
            cells: (n,) int64, as `Facts.cells`, of the video tokens.
            said: (S,) int64 ids of the sentences, one after another; said_lengths: (B,) int64 of
                each example's, 0 where it has none.
            video, audio: (n, H) tokens of the encoders; video_row, audio_row: (n,) whose they are,
                in order.
            words: (V, H) embeddings.
        """
        seen = _strongest(self.video(video).float(), video_row, len(facts))
        heard = _strongest(self.audio(audio).float(), audio_row, len(facts))
        logits = torch.cat([seen, heard], dim=1)
        known = facts >= 0
        fact_loss = nn.functional.binary_cross_entropy_with_logits(
            logits[known], facts[known], reduction="sum"
        )
        cell_loss = self._cell_loss(cells, video, words)
        said_loss = self._said_loss(said, said_lengths, audio, audio_row, words)
        return (FACT_SHARE * fact_loss + cell_loss + SAID_SHARE * said_loss) / len(facts)

    def _cell_loss(
        self, cells: torch.Tensor, video: torch.Tensor, words: torch.Tensor
    ) -> torch.Tensor:
        video, cells = video[cells >= 0], cells[cells >= 0]
        weight = torch.where(cells > 0, 1.0, NOTHING_THERE)
        look = cells - 1
        loss = weight.new_zeros(())
        for ids, which in ((self.colours, look // len(Shape)), (self.shapes, look % len(Shape))):
            logits = _by_words(video, self.nothing, words[ids])
            target = torch.where(cells > 0, which + 1, 0)
            surprise = nn.functional.cross_entropy(logits, target, reduction="none")
            loss = loss + (weight * surprise).sum()
        return loss

    def _said_loss(
        self,
        said: torch.Tensor,
        lengths: torch.Tensor,
        audio: torch.Tensor,
        audio_row: torch.Tensor,
        words: torch.Tensor,
    ) -> torch.Tensor:
        speaking = lengths > 0
        if not speaking.any():
            return words.new_zeros(())
        heard = speaking[audio_row]
        logits = _by_words(audio[heard], self.blank, words).log_softmax(-1)
        counts = torch.bincount(audio_row[heard], minlength=len(lengths))[speaking]
        rows = nn.utils.rnn.pad_sequence(list(torch.split(logits, counts.tolist())))
        loss: torch.Tensor = nn.functional.ctc_loss(
            rows, said + 1, counts, lengths[speaking], reduction="sum", zero_infinity=True
        )
        return loss


def _by_words(tokens: torch.Tensor, none: nn.Linear, words: torch.Tensor) -> torch.Tensor:
    """(n, 1 + W) logits: none of the words, or one of them."""
    named = tokens @ words.to(tokens.dtype).T / words.shape[1] ** 0.5
    return torch.cat([none(tokens), named], dim=1).float()


def _strongest(logits: torch.Tensor, row: torch.Tensor, rows: int) -> torch.Tensor:
    """(n, F) of tokens -> (rows, F)."""
    index = row[:, None].expand_as(logits)
    blank = logits.new_full((rows, logits.shape[1]), -10.0)
    return blank.scatter_reduce(0, index, logits, "amax", include_self=True)
