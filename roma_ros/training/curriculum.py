"""Curriculum: lessons from the synthetic world, short streams first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch.utils.data import Dataset

from roma_ros.training.auxiliary import AuxiliaryTargets, auxiliary_targets
from roma_ros.training.example import Exchange, StreamExample
from roma_ros.training.long import LongLesson, composed
from roma_ros.units import MultimodalUnit
from roma_ros.world import (
    COMMON_KINDS,
    PRESENT_KINDS,
    SPOKEN_KINDS,
    AlertKind,
    Exercise,
    FootageClip,
    Plot,
    QuestionKind,
    RecordingLibrary,
    Scene,
    Senses,
    Split,
    Subject,
    Task,
    WorldAlert,
    WorldQuestion,
    WorldRenderer,
    alerts_on,
    captions,
    dense_questions,
    draw_questions,
    make_scene,
    make_sight_scene,
    narration_on,
    questions_on,
    sight_questions,
)

__all__ = ["Lesson", "Lessons", "Mix"]

ALIKE = 8  # consecutive worlds of one kind and length, so that batches need little padding
SEEDS = 8  # seeds of one item
STREAMS_PER_WORLD = 4  # instructions per scene, hard negatives among them
SHOWN = 2  # least seconds of scenes with alerts per item: shorter streams use several scenes
SCENES = 3  # least number of scenes with a narration, or with questions on the past, per item
QUESTIONED = 2  # scenes with questions only, per item
FILLED = 14  # seconds of a scene from which short streams are cut
GLIMPSES = 3  # single units of a scene with sights, at least
GLIMPSED = 12  # seconds of a scene from which single units are taken
# Whether a look is present is asked most: alerts depend on it, and it is the hardest to learn.
# `What colour is the circle?` requires binding colour to shape. Separate questions on colours and
# on shapes do not, and a backbone trained on those alone stays at detecting each somewhere.
BINDING_KINDS = (
    *(3 * (QuestionKind.SEEN_NOW,)),
    QuestionKind.COLOUR_NOW,
    QuestionKind.SHAPE_NOW,
)
GLIMPSE_KINDS = (*PRESENT_KINDS, *BINDING_KINDS)
PAST_KINDS = tuple(kind for kind in QuestionKind if kind not in PRESENT_KINDS)
ASKED_KINDS = (*QuestionKind, *PAST_KINDS)  # twice as many on the past, which is harder
# Order is the hardest kind; counts are easier, as many are zero.
REMEMBERED_KINDS = (*PAST_KINDS, *(2 * (QuestionKind.ORDER,)), QuestionKind.SOUND_ORDER)
# Spoken questions to compare or count are harder than those to name something.
ALOUD_KINDS = (
    *SPOKEN_KINDS,
    *(2 * (QuestionKind.SEEN_NOW, QuestionKind.ORDER)),
    *(QuestionKind.TOUCHING_NOW, QuestionKind.SHAPES_SO_FAR),
)
WAITED_KINDS = (*COMMON_KINDS, AlertKind.VISUAL)  # visual alerts are the hardest
SIGHTS_AMONG, RECORDINGS_AMONG = 0.15, 0.2  # shares of the scenes of long streams
SIGHT_KINDS = (*(4 * (AlertKind.SIGHT,)), AlertKind.AUDIO)
DICTATED = 6  # seconds of a scene, long enough to have questions
CAPTION_QUESTION = "what happens now?"
DICTATION_QUESTION = "what did I say?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Shares of the kinds of lesson, and lengths of their streams. Shares need not add up to 1.

    Args:
        glimpses: share of lessons of single units, `seconds` of them from several scenes, each with
            a caption and questions.
        dictations: share of lessons in which a spoken sentence is transcribed.
        questions: share of lessons of streams with questions.
        alerts: share of lessons of streams with alert instructions.
        narrations: share of lessons of streams with a narration.
        memories: share of lessons with many questions on the past.
        recordings: share of lessons of recorded sounds with short pauses, with alert instructions
            and questions.
        recorded: share of the worlds of the other lessons in which recorded sounds are played, 0 to
            1.
        unknown: share of alert instructions that are about unknown words, 0 to 1.
        sights: share of lessons of streams with alert instructions on sights, over footage if
            there is any.
        sight_glimpses: share of lessons of single units with sights, for the vision encoder.
        long: share of lessons of long streams of several scenes, in which a session evicts units:
            alerts, narrations and questions.
        spoken: share of instructions and questions that are spoken instead of text, 0 to 1.
        seconds: shortest and longest stream in seconds, spoken instructions not counted.
        long_seconds: shortest and longest stream of long lessons in seconds.
        long_rows: number of instructions on a long stream, each with questions of its own.
        windows: shortest and longest window of a long lesson in seconds, drawn for each row.
        questions_per_stream: number of questions on branches of a stream, and about a glimpse. With
            0, glimpses and dictations have the auxiliary loss alone.
        often: names of `QuestionKind` that are drawn more often, in memories and spoken questions.
        dense: whether a question on the present is asked after every unit, and in narrations a
            caption.
        alert_weight, narration_weight: loss weight of units with a positive label.

    Raises:
        ValueError: a value is out of its range; the message names it.
    """

    glimpses: float = 0.0
    dictations: float = 0.0
    questions: float = 0.0
    alerts: float = 0.0
    narrations: float = 0.0
    memories: float = 0.0
    recordings: float = 0.0
    recorded: float = 0.0
    unknown: float = 0.0
    sights: float = 0.0
    sight_glimpses: float = 0.0
    long: float = 0.0
    spoken: float = 0.0
    seconds: tuple[int, int] = (2, 4)
    long_seconds: tuple[int, int] = (20, 60)
    long_rows: int = 4
    windows: tuple[int, int] = (5, 60)
    questions_per_stream: int = 6
    often: tuple[str, ...] = ()
    dense: bool = True
    alert_weight: float = 1.0
    narration_weight: float = 1.5

    def __post_init__(self) -> None:
        if min(self.shares) < 0 or not sum(self.shares) > 0:
            raise ValueError(f"{self}: shares must not be negative, nor all of them 0")
        for name in ("spoken", "recorded", "unknown"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a share from 0 to 1")
        for name in ("seconds", "long_seconds", "windows"):
            shortest, longest = getattr(self, name)
            if not 1 <= shortest <= longest:
                raise ValueError(
                    f"{name} is {(shortest, longest)}; expected shortest and longest, from 1"
                )
        if self.long_rows < 1:
            raise ValueError(f"long_rows is {self.long_rows}; expected a number from 1")
        if unknown := set(self.often) - set(QuestionKind.__members__):
            known = ", ".join(QuestionKind.__members__)
            raise ValueError(f"often has {sorted(unknown)}; expected some of {known}")

    @property
    def often_asked(self) -> tuple[QuestionKind, ...]:
        """Kinds of `often`, repetitions included."""
        return tuple(map(QuestionKind.__getitem__, self.often))

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares in the order of `KINDS`."""
        return (
            *(self.glimpses, self.dictations, self.questions),
            *(self.alerts, self.narrations, self.memories, self.recordings),
            *(self.sights, self.sight_glimpses),
            self.long,
        )

    @property
    def needs_recordings(self) -> bool:
        """Whether some of its worlds play recorded sounds."""
        return self.recordings > 0 or self.recorded > 0


@dataclass(frozen=True, slots=True)
class Lesson:
    """Number of worlds of one mix."""

    mix: Mix
    worlds: int


class Lessons(Dataset[list[StreamExample]]):
    """Dataset of worlds by number, each a few streams; deterministic in the number.

    Args:
        lessons: lessons in the order of training.
        split: split of the worlds and voices.
        first: number of the first world, so that a later stage gets new worlds.
        recordings: recorded sounds for mixes that need them.
        footage: clips for the lessons of sights; without, these are of rendered rooms alone.

    Raises:
        ValueError: a mix needs recordings and there are none.
    """

    def __init__(
        self,
        lessons: Sequence[Lesson],
        split: Split = Split.TRAIN,
        *,
        first: int = 0,
        recordings: RecordingLibrary | None = None,
        footage: Sequence[FootageClip] = (),
    ) -> None:
        if recordings is None and any(lesson.mix.needs_recordings for lesson in lessons):
            raise ValueError(
                "lessons have `recorded` or `recordings` above 0 and there are no recordings; "
                "expected a folder of them: give --recordings DIR, or set both to 0"
            )
        self.recordings = recordings
        self.lessons = tuple(lessons)
        self.split = split
        self.first = first
        self.footage = footage

    def __len__(self) -> int:
        return sum(lesson.worlds for lesson in self.lessons)

    def __getitem__(self, index: int) -> list[StreamExample]:
        mix = self._mix(index)
        number = self.first + index
        alike = np.random.default_rng((self.split.seed(number // ALIKE), 7))
        seconds = int(alike.integers(mix.seconds[0], mix.seconds[1] + 1))
        spoken = bool(alike.random() < mix.spoken)
        odds = np.array(mix.shares) / sum(mix.shares)
        make = KINDS[alike.choice(len(KINDS), p=odds)]
        if make is World.long:
            seconds = int(alike.integers(mix.long_seconds[0], mix.long_seconds[1] + 1))
        seeds = [self.split.seed(SEEDS * number + offset) for offset in range(SEEDS)]
        # Drawn apart from the rest, so that a world without recordings is the same as before.
        recorded = np.random.default_rng((seeds[0], 9)).random() < mix.recorded
        needed = recorded or make is World.recordings
        world = World(
            seeds, seconds, spoken, mix, self.recordings if needed else None, self.footage
        )
        # A world without a possible alert or spoken question has text questions instead.
        return make(world) or world.text_questions()

    def _mix(self, index: int) -> Mix:
        for lesson in self.lessons:
            if index < lesson.worlds:
                return lesson.mix
            index -= lesson.worlds
        raise IndexError(f"world {index} is beyond the last of {len(self)}")


@dataclass(frozen=True, slots=True)
class World:
    """Generator of one item of the lessons; one method per kind of lesson.

    Attributes:
        seeds: seeds of its scenes.
        seconds: length of its streams in seconds, spoken instructions not counted.
        spoken: whether instructions and questions are spoken.
        mix: settings of the lesson.
        library: recorded sounds that its scenes play; `None` for none.
        footage: clips for its sights.
    """

    seeds: Sequence[int]
    seconds: int
    spoken: bool
    mix: Mix
    library: RecordingLibrary | None = None
    footage: Sequence[FootageClip] = ()

    def glimpses(self) -> list[StreamExample]:
        """Return `seconds` examples of single units, from one scene after another."""
        examples: list[StreamExample] = []
        for seed in self.seeds:
            scene = self.glimpsed(seed)
            random = np.random.default_rng((seed, 7))
            units = random.permutation(GLIMPSED)
            if scene.recorded:
                units = np.array(_evenly(Senses(scene), units.tolist(), random))
            units = units[: math.ceil(self.seconds / SEEDS)]
            asked = dense_questions(scene, self.mix.questions_per_stream, GLIMPSE_KINDS)
            texts, facts = captions(scene), auxiliary_targets(scene)
            renderer = WorldRenderer(scene)
            for unit in units[: self.seconds - len(examples)].tolist():
                exchanges = [_exchange(replace(q, unit=0)) for q in asked if q.unit == unit]
                if exchanges:
                    caption = Exchange(unit=0, question=CAPTION_QUESTION, answer=texts[unit])
                    exchanges.append(caption)
                shown = [renderer.unit(unit)]
                examples.append(StreamExample(units=shown, exchanges=exchanges, facts=facts[unit]))
        return examples

    def glimpsed(self, seed: int) -> Scene:
        """Return a scene from which single units are taken; of recordings alone every other one."""
        alone = self.library is not None and seed % 2 == 0
        return make_scene(
            seed, GLIMPSED, Plot.RECORDINGS if alone else Plot.CROWD, recordings=self.library
        )

    def dictations(self) -> list[StreamExample]:
        """Return spoken instructions and questions to transcribe, without pictures."""
        told, asked = (
            make_scene(seed, DICTATED, recordings=self.library) for seed in self.seeds[:2]
        )
        # Recorded sounds are few among all events: every other world is about sounds alone.
        heard = self.library is not None and self.seeds[0] // SEEDS % 2 == 0
        others = COMMON_KINDS if self.library is None else tuple(AlertKind)
        kinds = (AlertKind.AUDIO,) if heard else others
        lines = [
            *alerts_on(told, STREAMS_PER_WORLD, spoken=True, kinds=kinds),
            *questions_on(asked, STREAMS_PER_WORLD // 2, spoken=True),
        ]
        return [dictation_example(exercise, self.mix) for exercise in lines]

    def questions(self) -> list[StreamExample]:
        """Return streams with a spoken question at the end, or text questions on branches."""
        return self.spoken_questions() if self.spoken else self.text_questions()

    def spoken_questions(self) -> list[StreamExample]:
        """Return streams with a spoken question at their end and text questions on branches."""
        examples = []
        often = (kind for kind in self.mix.often_asked if kind in SPOKEN_KINDS)
        kinds = (*ALOUD_KINDS, *often)
        for scene in self.questioned:
            exercises = questions_on(scene, STREAMS_PER_WORLD, spoken=True, kinds=kinds)
            for exercise in exercises:
                asked = self.remembered(exercise.scene)[:: len(exercises)]
                examples.append(replace(exercise_example(exercise, self.mix), exchanges=asked))
        return examples

    def text_questions(self) -> list[StreamExample]:
        """Return streams with text questions on branches."""
        return [
            StreamExample(units=list(WorldRenderer(scene)), exchanges=asked_about(scene, self.mix))
            for scene in self.questioned
        ]

    def alerts(self) -> list[StreamExample]:
        """Return streams with an alert instruction each, and questions on branches."""
        count = max(1, SHOWN // self.seconds)
        return [example for seed in self.seeds[:count] for example in self.alerts_of(seed)]

    def alerts_of(self, seed: int) -> list[StreamExample]:
        """Return the streams of several alert instructions on one scene."""
        plot = Plot.SEQUENCE if seed // SEEDS % 3 == 0 else Plot.CROWD
        return self.alerts_in(self.scene(seed, plot), WAITED_KINDS)

    def recordings(self) -> list[StreamExample]:
        """Return streams of recorded sounds with an alert instruction each, and questions."""
        return self.alerts_in(self.scene(self.seeds[0], Plot.RECORDINGS), (AlertKind.AUDIO,))

    def alerts_in(self, scene: Scene, kinds: Sequence[AlertKind]) -> list[StreamExample]:
        """Return the streams of several alert instructions on a scene."""
        unknown = np.random.default_rng((scene.seed, 10)).binomial(
            STREAMS_PER_WORLD, self.mix.unknown
        )
        exercises = alerts_on(
            scene, STREAMS_PER_WORLD, spoken=self.spoken, kinds=kinds, unknown=int(unknown)
        )
        if self.spoken:
            return [exercise_example(exercise, self.mix) for exercise in exercises]
        units = list(WorldRenderer(scene))
        asked = asked_about(scene, self.mix)
        return [
            replace(
                exercise_example(exercise, self.mix, units),
                exchanges=asked[number :: len(exercises)],
            )
            for number, exercise in enumerate(exercises)
        ]

    def narrations(self) -> list[StreamExample]:
        """Return a narration of each scene, with questions and captions on branches."""
        examples = []
        for seed in self.seeds[: self.several]:
            exercise = narration_on(self.scene(seed, Plot.SEQUENCE), spoken=self.spoken)
            asked = [] if self.spoken else asked_about(exercise.scene, self.mix)
            if self.mix.dense and not self.spoken:
                labelled = enumerate(captions(exercise.scene))
                asked += [
                    Exchange(unit=u, question=CAPTION_QUESTION, answer=a) for u, a in labelled
                ]
            examples.append(replace(exercise_example(exercise, self.mix), exchanges=asked))
        return examples

    def memories(self) -> list[StreamExample]:
        """Return busy streams with questions on the past on branches."""
        scenes = [self.scene(seed, Plot.CROWD) for seed in self.seeds[: self.several]]
        return [
            StreamExample(units=list(WorldRenderer(scene)), exchanges=self.remembered(scene))
            for scene in scenes
        ]

    def sights(self) -> list[StreamExample]:
        """Return streams with an alert instruction on sights each."""
        examples = []
        for seed in self.seeds[: max(1, SHOWN // self.seconds)]:
            scene = self.stretch(make_sight_scene(seed, self.whole, self.footage))
            told = alerts_on(scene, STREAMS_PER_WORLD, spoken=self.spoken, kinds=SIGHT_KINDS)
            units = () if self.spoken else list(WorldRenderer(scene))
            for exercise in told:
                there = exercise.scene
                last = there.seconds - 1
                asked = self.sights_asked(there, last, self.mix.questions_per_stream // 2)
                example = exercise_example(exercise, self.mix, units)
                examples.append(replace(example, exchanges=asked))
        return examples

    def sights_asked(self, scene: Scene, unit: int, count: int) -> list[Exchange]:
        """Return at most `count` questions on the sights of a unit, those with `yes` first."""
        asked = np.random.default_rng((scene.seed, unit, 9)).permutation(
            np.array(sight_questions(scene, unit)).reshape(-1, 2)
        )
        pairs = sorted(asked.tolist(), key=lambda pair: pair[1] != "yes")[:count]
        return [Exchange(unit=unit, question=text, answer=answer) for text, answer in pairs]

    def sight_glimpses(self) -> list[StreamExample]:
        """Return `seconds` examples of single units with sights, from one scene after another."""
        examples: list[StreamExample] = []
        for seed in self.seeds:
            scene = make_sight_scene(seed, GLIMPSED, self.footage)
            facts, renderer = auxiliary_targets(scene), WorldRenderer(scene)
            units = np.random.default_rng((seed, 7)).permutation(GLIMPSED)
            for unit in units[: max(math.ceil(self.seconds / SEEDS), GLIMPSES)].tolist():
                shown = [renderer.unit(unit)]
                asked = self.sights_asked(scene, unit, self.mix.questions_per_stream)
                asked = [replace(exchange, unit=0) for exchange in asked]
                examples.append(StreamExample(units=shown, exchanges=asked, facts=facts[unit]))
            if len(examples) >= self.seconds:
                break
        return examples[: self.seconds]

    def long(self) -> list[StreamExample]:
        """Return several rows of one long stream, each with a window of its own."""
        random = np.random.default_rng((self.seeds[0], 11))
        stream = composed(self.seeds[0], self.seconds, random, self.any_scene)
        with_sights = any(part.scene.sights for part in stream.parts)
        lesson = LongLesson(
            stream=stream,
            random=random,
            windows=self.mix.windows,
            questions=self.mix.questions_per_stream,
            question_kinds=(*ASKED_KINDS, *self.mix.often_asked),
            alert_kinds=tuple(AlertKind) if with_sights else COMMON_KINDS,
            unknown=self.mix.unknown,
            example=lambda exercise, units: exercise_example(exercise, self.mix, units),
        )
        return lesson.rows(self.mix.long_rows, spoken=self.spoken)

    def any_scene(self, seed: int, seconds: int) -> Scene:
        """Return a scene of a long stream; of recordings or with sights now and then."""
        drawn = np.random.default_rng((seed, 12)).random()
        if drawn < SIGHTS_AMONG:
            # Without figures: their labels do not know that darkness and covers hide them.
            scene = make_sight_scene(seed, seconds, self.footage)
            return replace(scene, figures=(), touches=())
        if self.library is not None and drawn < SIGHTS_AMONG + RECORDINGS_AMONG:
            return make_scene(seed, seconds, Plot.RECORDINGS, self.library)
        return make_scene(seed, seconds, Plot.SEQUENCE if seed % 2 else Plot.CROWD, self.library)

    def remembered(self, scene: Scene) -> list[Exchange]:
        """Return questions on the past."""
        kinds = (*REMEMBERED_KINDS, *self.mix.often_asked)
        asked = draw_questions(scene, self.mix.questions_per_stream, kinds)
        return [_exchange(question) for question in asked]

    @property
    def questioned(self) -> list[Scene]:
        """One scene of each plot."""
        return list(map(self.scene, self.seeds[:QUESTIONED], (Plot.CROWD, Plot.SEQUENCE)))

    @property
    def several(self) -> int:
        """Number of scenes: more if they are short, as less happens in each."""
        return max(SCENES, FILLED // self.seconds)

    def scene(self, seed: int, plot: Plot) -> Scene:
        """Return a stretch of a longer scene, as scenes start empty."""
        return self.stretch(make_scene(seed, self.whole, plot, self.library))

    @property
    def whole(self) -> int:
        """Length in seconds of the scenes that streams are cut from."""
        return max(self.seconds, FILLED)

    def stretch(self, whole: Scene) -> Scene:
        """Return `seconds` of a scene from a random unit on."""
        random = np.random.default_rng((whole.seed, 8))
        return whole.stretch(int(random.integers(whole.seconds - self.seconds + 1)), self.seconds)


KINDS: tuple[Callable[[World], list[StreamExample]], ...] = (
    World.glimpses,
    World.dictations,
    World.questions,
    World.alerts,
    World.narrations,
    World.memories,
    World.recordings,
    World.sights,
    World.sight_glimpses,
    World.long,
)


def _evenly(senses: Senses, units: list[int], random: np.random.Generator) -> list[int]:
    """Return units in such an order that all kinds of recorded sound come equally early."""
    kinds = list(dict.fromkeys(kind for unit in units for kind in senses.recorded_in(unit)))
    first: dict[int, tuple[int, int]] = {}
    for place, index in enumerate(random.permutation(len(kinds)).tolist()):
        heard = (unit for unit in units if kinds[index] in senses.recorded_in(unit))
        for turn, unit in enumerate(heard):
            first[unit] = min((turn, place), first.get(unit, (turn, place)))
    return sorted(units, key=lambda unit: first.get(unit, (len(units), 0)))


def dictation_example(exercise: Exercise, mix: Mix) -> StreamExample:
    """Return the spoken line of an exercise as an example to transcribe."""
    line = exercise.line
    assert line is not None
    spoken_in = range(int(line.onset), math.ceil(exercise.told_after))
    renderer = WorldRenderer(exercise.scene)
    units = [replace(renderer.unit(number), frames=None) for number in spoken_in]
    exchange = Exchange(unit=len(units) - 1, question=DICTATION_QUESTION, answer=exercise.text)
    return StreamExample(
        units=units,
        exchanges=[exchange] * bool(mix.questions_per_stream),
        facts=AuxiliaryTargets(spoken=tuple(word.delayed(-spoken_in.start) for word in line.words)),
    )


def asked_about(scene: Scene, mix: Mix) -> list[Exchange]:
    """Return questions on branches, and with `mix.dense` one on the present after every unit."""
    asked = [*draw_questions(scene, mix.questions_per_stream, ASKED_KINDS)]
    asked += dense_questions(scene) if mix.dense else ()
    return [_exchange(question) for question in asked]


def exercise_example(
    exercise: Exercise, mix: Mix, units: Sequence[MultimodalUnit] = ()
) -> StreamExample:
    """Return an exercise as a training example.

    An alert has labels but no text; the text of a narration stays in the stream. Events during a
    spoken instruction have no label.

    Args:
        exercise: the exercise.
        mix: settings with the loss weights.
        units: units of its scene if they have been rendered already.
    """
    units = units or list(WorldRenderer(exercise.scene))
    if exercise.task is Task.QUESTION:
        (reply,) = exercise.replies
        return StreamExample(units=units[: reply.unit + 1], replies={reply.unit: reply.text})
    narration = exercise.task is Task.NARRATION
    return StreamExample(
        units=units,
        instruction=None if exercise.line is not None else exercise.text,
        speak=[
            None if unclear or (due and unit < exercise.told_after) else due
            for unit, (due, unclear) in enumerate(
                zip(exercise.labels.tolist(), exercise.unclear.tolist(), strict=True)
            )
        ],
        waiting=waiting(exercise.subject, exercise.scene),
        replies={reply.unit: reply.text for reply in exercise.replies} if narration else {},
        weight=mix.narration_weight if narration else mix.alert_weight,
    )


def waiting(subject: Subject, scene: Scene) -> list[bool]:
    """Return for each unit whether the state is waiting.

    For a narration: a segment is going on. For an alert: something of its modality is present.
    """
    units = range(scene.seconds)
    if isinstance(subject, WorldAlert):
        senses = Senses(scene)
        look, sound = subject.event.look, subject.event.sound
        return [
            bool((look and senses.figures_after(unit)) or (sound and senses.sounds_in(unit)))
            for unit in units
        ]
    assert isinstance(subject, tuple)
    return [any(segment.first <= unit < segment.end for segment in subject) for unit in units]


def _exchange(question: WorldQuestion) -> Exchange:
    return Exchange(unit=question.unit, question=question.text, answer=question.answer)
