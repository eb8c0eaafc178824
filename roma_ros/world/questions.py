"""Questions about a scene, each after a unit, and their answers."""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, permutations, product
from typing import TypeVar

from roma_ros.world.scene import LOOK_EVERY, Figure, Scene, SoundEvent
from roma_ros.world.senses import Senses
from roma_ros.world.splits import Purpose, generator
from roma_ros.world.words import (
    MAX_COUNT,
    NOTHING,
    NUMBERS,
    PLACES,
    AnySound,
    Colour,
    Look,
    Shape,
    Sound,
    counted,
)

__all__ = [
    "DENSE_KINDS",
    "PRESENT_KINDS",
    "SPOKEN_KINDS",
    "QuestionKind",
    "WorldQuestion",
    "asked_again",
    "dense_questions",
    "draw_questions",
]

Key = TypeVar("Key", Look, AnySound)

PLACE_MARGIN = 0.07  # of the stage: no question about figures closer to the border of two places


class QuestionKind(enum.Enum):
    """Kind of a question; the value is an example.

    `Now` refers to the last frame of a unit, or to the whole of its sound.
    """

    SEEN_NOW = "is there a red circle now?"
    TOUCHING_NOW = "does a red circle touch a blue square now?"
    HEARD_NOW = "do you hear a beep now?"
    COLOUR_NOW = "what colour is the circle?"
    SHAPE_NOW = "what shape is the red one?"
    PLACE_NOW = "where is the red circle?"
    SOUND_NOW = "what do you hear now?"
    SHAPES_NOW = "how many shapes are there now?"
    SEEN_BEFORE = "has there been a red circle?"
    COLOUR_BEFORE = "what colour was the first shape?"
    SHAPE_BEFORE = "what was the last shape?"
    SOUND_BEFORE = "what was the first sound?"
    ORDER = "did a red circle come before a blue square?"
    SOUND_ORDER = "which came first, a beep or a knock?"
    SOUNDS_SO_FAR = "how many beeps so far?"
    SHAPES_SO_FAR = "how many circles so far?"
    HEARD_BEFORE = "did a dog bark?"


DENSE_KINDS = (QuestionKind.SEEN_NOW, QuestionKind.TOUCHING_NOW, QuestionKind.HEARD_NOW)
"""Yes or no questions on the present, which need the same knowledge as alerts."""
PRESENT_KINDS = tuple(kind for kind in QuestionKind if kind.name.endswith("_NOW"))
"""Kinds that can be answered from one unit."""
SPOKEN_KINDS = tuple(
    kind
    for kind in QuestionKind
    if kind not in (QuestionKind.HEARD_NOW, QuestionKind.SOUND_NOW, QuestionKind.SOUND_BEFORE)
)
"""Kinds that can be spoken in the stream. Speech covers other sounds, so those on sounds of the
present are left out."""


@dataclass(frozen=True, slots=True)
class WorldQuestion:
    """Question that is asked after a unit.

    Attributes:
        kind: kind of the question.
        text: the question.
        answer: the right answer, one of `ANSWERS`.
        unit: last unit that the answer may use.
    """

    kind: QuestionKind
    text: str
    answer: str
    unit: int


def draw_questions(
    scene: Scene,
    count: int,
    kinds: Sequence[QuestionKind] = tuple(QuestionKind),
    first: int = 0,
) -> tuple[WorldQuestion, ...]:
    """Draw distinct questions about a scene, in the order of their units.

    The kind is drawn first, then one of the answers that are right at some unit, then question and
    unit: so the answers are balanced. Yes or no questions are drawn only where both answers occur,
    and about looks whose colour and shape are both seen.

    Args:
        scene: scene that the questions are about; its seed determines the draw.
        count: number of questions; fewer are returned if the scene has not enough to ask about.
        kinds: kinds that may be drawn.
        first: first unit after which a question may be asked.
    """
    random = generator(scene.seed, Purpose.QUESTIONS)
    kinds = [kind for kind in kinds if scene.recorded or kind is not QuestionKind.HEARD_BEFORE]
    moments = _moments(scene, range(first, scene.seconds))
    pools: dict[QuestionKind, dict[str, list[WorldQuestion]]] = {}
    drawn: set[WorldQuestion] = set()
    for _ in range(4 * count if kinds else 0):
        if len(drawn) == count:
            break
        kind = kinds[int(random.integers(len(kinds)))]
        if kind not in pools:
            pools[kind] = _by_answer(kind, moments)
        pool = pools[kind]
        if pool:
            questions = list(pool.values())[random.integers(len(pool))]
            drawn.add(questions[random.integers(len(questions))])
    return tuple(sorted(drawn, key=lambda question: (question.unit, question.text)))


def dense_questions(
    scene: Scene, count: int = 1, kinds: Sequence[QuestionKind] = DENSE_KINDS
) -> tuple[WorldQuestion, ...]:
    """Draw questions on the present after every unit that allows one.

    The answer is drawn before the question, but after many units only `no` is possible.

    Args:
        scene: scene that the questions are about; its seed determines the draw.
        count: number of questions after each unit; fewer where there is not enough to ask about.
        kinds: kinds that may be drawn.
    """
    random = generator(scene.seed, Purpose.QUESTIONS)
    drawn: list[WorldQuestion] = []
    for moment in _moments(scene, range(scene.seconds)):
        pools = [_by_answer(kind, [moment], both=False) for kind in kinds]
        turns = random.permutation([index for index, pool in enumerate(pools) if pool])
        asked: set[WorldQuestion] = set()
        for turn in range(2 * count if len(turns) else 0):
            pool = pools[turns[turn % len(turns)]]
            questions = list(pool.values())[random.integers(len(pool))]
            asked.add(questions[random.integers(len(questions))])
            if len(asked) == count:
                break
        drawn += sorted(asked, key=lambda question: question.text)
    return tuple(drawn)


def asked_again(question: WorldQuestion, scene: Scene) -> WorldQuestion | None:
    """Return the question with the right answer for another scene; `None` if it has none there."""
    (moment,) = _moments(scene, range(question.unit, question.unit + 1))
    answers = dict(ASK[question.kind](moment))
    if question.text not in answers:
        return None
    return replace(question, answer=answers[question.text])


def _by_answer(
    kind: QuestionKind, moments: Iterable[_Moment], *, both: bool = True
) -> dict[str, list[WorldQuestion]]:
    """Group the possible questions by answer.

    Args:
        kind: kind of the questions.
        moments: units after which they may be asked.
        both: whether yes or no questions need both answers; if one is missing, return nothing.
    """
    pool: dict[str, list[WorldQuestion]] = defaultdict(list)
    for moment in moments:
        for text, answer in ASK[kind](moment):
            pool[answer].append(WorldQuestion(kind, text, answer, moment.unit))
    one_sided = set(pool) in ({"yes"}, {"no"})
    return {} if both and one_sided else pool


def _moments(scene: Scene, units: Iterable[int]) -> list[_Moment]:
    senses = Senses(scene)
    return [_Moment(senses, unit) for unit in units]


Asked = tuple[str, str]
"""Text of a question and its answer."""


class _Moment:
    """Content of a scene up to the end of a unit; one method per kind yields its questions."""

    def __init__(self, senses: Senses, unit: int) -> None:
        self.unit = unit
        self.now = senses.figures_after(unit)
        self.touching = [{t.mover, t.other} for t in senses.touches_after(unit)]
        self.heard = senses.sounds_in(unit)
        self._senses = senses

    @cached_property
    def figures(self) -> list[Figure]:
        """Figures that have been seen so far."""
        return [f for f in self._senses.figures if f.seen_in.start <= self.unit]

    @cached_property
    def sounds(self) -> list[SoundEvent]:
        """Sounds that have been heard so far."""
        return [s for s in self._senses.sounds if s.heard_in.start <= self.unit]

    def seen_now(self) -> Iterator[Asked]:
        there = [figure.look for figure in self.now]
        near = [look for look in _combined(there) if look not in there] or _alike(there)
        gone = [figure.look for figure in self.figures]
        for look in dict.fromkeys([*there, *near, *gone]):
            yield f"is there a {look} now?", _yes(look in there)

    def touching_now(self) -> Iterator[Asked]:
        for one, other in combinations([figure.look for figure in self.now], 2):
            yield f"does a {one} touch a {other} now?", _yes({one, other} in self.touching)

    def heard_now(self) -> Iterator[Asked]:
        heard = [event.kind for event in self.heard]
        for sound in (*Sound, *self._senses.scene.recorded):
            yield f"do you hear {counted(sound, 1)} now?", _yes(sound in heard)

    def colour_now(self) -> Iterator[Asked]:
        for shape in Shape:
            looks = [figure.look for figure in self.now if figure.look.shape is shape]
            if len(looks) == 1:
                yield f"what colour is the {shape.value}?", looks[0].colour.value

    def shape_now(self) -> Iterator[Asked]:
        for colour in Colour:
            looks = [figure.look for figure in self.now if figure.look.colour is colour]
            if len(looks) == 1:
                yield f"what shape is the {colour.value} one?", looks[0].shape.value

    def place_now(self) -> Iterator[Asked]:
        for figure in self.now:
            x, _ = figure.place(self.unit + LOOK_EVERY)
            if min(abs(x - 1 / 3), abs(x - 2 / 3)) > PLACE_MARGIN:
                yield f"where is the {figure.look}?", PLACES[int(x * 3)]

    def sound_now(self) -> Iterator[Asked]:
        heard = {event.kind.value for event in self.heard} or {NOTHING}
        if len(heard) == 1:
            (answer,) = heard
            yield "what do you hear now?", answer
            if self._senses.scene.recorded:
                yield "what do you hear?", answer

    def shapes_now(self) -> Iterator[Asked]:
        if len(self.now) <= MAX_COUNT:
            yield "how many shapes are there now?", NUMBERS[len(self.now)]

    def seen_before(self) -> Iterator[Asked]:
        seen = list(dict.fromkeys(figure.look for figure in self.figures))
        for look in _combined(seen):
            yield f"has there been a {look}?", _yes(look in seen)

    def colour_before(self) -> Iterator[Asked]:
        for which, figure in self._ends():
            yield f"what colour was the {which} shape?", figure.look.colour.value

    def shape_before(self) -> Iterator[Asked]:
        for which, figure in self._ends():
            yield f"what was the {which} shape?", figure.look.shape.value

    def sound_before(self) -> Iterator[Asked]:
        starts = [event.heard_in.start for event in self.sounds]
        for which, index in _first_and_last(starts):
            yield f"what was the {which} sound?", self.sounds[index].kind.value

    def heard_before(self) -> Iterator[Asked]:
        heard = {event.kind for event in self.sounds}
        for sound in self._senses.scene.recorded:
            yield f"{sound.question}?", _yes(sound in heard)

    def order(self) -> Iterator[Asked]:
        first = _first_units((figure.look, figure.seen_in.start) for figure in self.figures)
        for one, other in permutations(first, 2):
            if first[one] != first[other]:
                text = f"did a {one} come before a {other}?"
                yield text, _yes(first[one] < first[other])

    def sound_order(self) -> Iterator[Asked]:
        first = _first_units((event.kind, event.heard_in.start) for event in self.sounds)
        for one, other in permutations(first, 2):
            if first[one] != first[other]:
                earlier = one if first[one] < first[other] else other
                text = f"which came first, {counted(one, 1)} or {counted(other, 1)}?"
                yield text, earlier.value

    def sounds_so_far(self) -> Iterator[Asked]:
        for sound in Sound:
            count = sum(event.count for event in self.sounds if event.kind is sound)
            if count <= MAX_COUNT:
                yield f"how many {sound.value}s so far?", NUMBERS[count]

    def shapes_so_far(self) -> Iterator[Asked]:
        counts = {"shape": len(self.figures)}
        for shape in Shape:
            counts[shape.value] = sum(figure.look.shape is shape for figure in self.figures)
        for name, count in counts.items():
            if count <= MAX_COUNT:
                yield f"how many {name}{'es' if name == 'cross' else 's'} so far?", NUMBERS[count]

    def _ends(self) -> Iterator[tuple[str, Figure]]:
        starts = [figure.seen_in.start for figure in self.figures]
        for which, index in _first_and_last(starts):
            yield which, self.figures[index]


def _combined(looks: Sequence[Look]) -> list[Look]:
    """Return all combinations of their colours and shapes, hard negatives included."""
    colours = dict.fromkeys(look.colour for look in looks)
    shapes = dict.fromkeys(look.shape for look in looks)
    return [Look(colour, shape) for colour, shape in product(colours, shapes)]


def _alike(looks: Sequence[Look]) -> list[Look]:
    """Return all looks that share either the colour or the shape with one of them."""
    colours, shapes = {look.colour for look in looks}, {look.shape for look in looks}
    every = (Look(*pair) for pair in product(Colour, Shape))
    return [look for look in every if (look.colour in colours) != (look.shape in shapes)]


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _first_units(seen: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    """Return the first unit of each key."""
    first: dict[Key, int] = {}
    for key, unit in seen:
        first[key] = min(unit, first.get(key, unit))
    return first


def _first_and_last(units: list[int]) -> Iterator[tuple[str, int]]:
    """Yield `first` and `last` with their index in the list, unless another has the same unit."""
    if units and units.count(min(units)) == 1:
        yield "first", units.index(min(units))
    if len(units) > 1 and units.count(max(units)) == 1:
        yield "last", units.index(max(units))


ASK: dict[QuestionKind, Callable[[_Moment], Iterator[Asked]]] = {
    kind: getattr(_Moment, kind.name.lower()) for kind in QuestionKind
}
