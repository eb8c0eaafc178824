"""Mixture of files of samples and lessons of the synthetic world: one dataset for the Trainer."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from roma_ros.data import Augmentation, DataError, Sample, SampleError, SkipLog, Task, check_videos
from roma_ros.data.videos import length_of
from roma_ros.thinker import UnitShapeError
from roma_ros.training.curriculum import Lessons
from roma_ros.training.example import StreamExample
from roma_ros.training.feature_cache import FeatureCache
from roma_ros.training.sample_dataset import MAX_UNITS, SampleDataset, SampleWeights

__all__ = ["WORLD", "LabelCounts", "Mixture", "SampleFile"]

LOG = logging.getLogger(__name__)
WORLD = "world"
"""Name of the lessons of the synthetic world in a mixture."""
ALIKE = 8  # consecutive samples of about one length, so that batches need little padding
POOL = 16 * ALIKE  # samples that are sorted by length
MAX_WEIGHT = 10.0  # of a positive unit: a higher one makes single steps unstable


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """Number of positive and negative units of alerts and narrations.

    Attributes:
        positive, negative: units by task.
    """

    positive: Mapping[Task, int]
    negative: Mapping[Task, int]

    def __add__(self, other: LabelCounts) -> LabelCounts:
        return LabelCounts(
            Counter(self.positive) + Counter(other.positive),
            Counter(self.negative) + Counter(other.negative),
        )

    def weight(self, task: Task) -> float:
        """Return the loss weight of positive units: negatives over positives, from 1 to 10."""
        positive, negative = self.positive.get(task, 0), self.negative.get(task, 0)
        return min(max(negative / positive, 1.0), MAX_WEIGHT) if positive else 1.0

    def weights(self) -> SampleWeights:
        """Return the loss weights of both tasks."""
        return SampleWeights(self.weight(Task.ALERT), self.weight(Task.NARRATION))

    def __str__(self) -> str:
        known = [task for task in (Task.ALERT, Task.NARRATION) if self.positive.get(task)]
        return "; ".join(
            f"{task.name.lower()}: {self.positive[task]:,} positive and "
            f"{self.negative.get(task, 0):,} negative units"
            for task in known
        )


class SampleFile:
    """Usable samples of a file, with their lengths.

    The headers of all videos are read. A sample that cannot be used is skipped; damage that shows
    only when a video is decoded is found when the sample is needed, which is skipped then.

    Args:
        path: file of samples.
        strict: whether a sample that cannot be used is an error instead.
        max_units: length at which a stream is cut.

    Attributes:
        log: count of the samples that are used and skipped.
        usable: numbers of the usable samples.
        lengths: their lengths in units.
        labels: count of their positive and negative units.

    Raises:
        DataError: the file cannot be read, or has no usable sample; or one is not usable and
            `strict` is set.
    """

    def __init__(self, path: Path, *, strict: bool = False, max_units: int = MAX_UNITS) -> None:
        self.path = path
        self.log = SkipLog(strict=strict)
        self.max_units = max_units
        self._damaged: set[int] = set()
        self._data = SampleDataset(path, log=self.log, max_units=max_units)
        positive: Counter[Task] = Counter()
        negative: Counter[Task] = Counter()
        usable, lengths = [], []
        for number in range(len(self._data)):
            sample: Sample = self._data.samples[number]
            if not self._is_usable(sample):
                continue
            units = self._length(sample)
            usable.append(number)
            lengths.append(units)
            if sample.task is not Task.QUESTION:
                due = {answer.unit for answer in sample.answers if answer.unit is not None}
                count = sum(unit < units for unit in due)
                positive[sample.task] += count
                negative[sample.task] += units - count
        if not usable:
            raise DataError(f"{path} has no usable sample: {self.log.summary()}")
        self.usable, self.lengths = np.array(usable), np.array(lengths)
        self.labels = LabelCounts(positive, negative)

    def _is_usable(self, sample: Sample) -> bool:
        before = self.log.skipped.total()
        if sample.task is Task.QUESTION and all(one.unit is None for one in sample.answers):
            self.log.skip("no timed answer", SampleError(f"sample {sample.id} has no timed answer"))
        else:
            list(check_videos([sample], self._data.samples.folder, self.log, allow_silent=True))
        skipped = self.log.skipped.total() - before
        self.log.kept -= skipped
        return not skipped

    def _length(self, sample: Sample) -> int:
        """Return the length in units; by what is due, if the video does not state its own."""
        due = [answer.unit + 1 for answer in sample.answers if answer.unit is not None]
        seconds = length_of(sample, self._data.samples.folder) or 0.0
        return max(1, min(max([*due, int(np.ceil(seconds))]), self.max_units))

    def prepare(
        self,
        *,
        weights: SampleWeights,
        cache: FeatureCache | None,
        augmentation: Augmentation | None,
        seed: int,
    ) -> None:
        """Set how examples are made of the samples."""
        self._data = SampleDataset(
            self.path,
            augmentation=augmentation,
            seed=seed,
            weights=weights,
            max_units=self.max_units,
            log=SkipLog(),
            cache=cache,
        )

    def example(self, place: int, turn: int) -> list[StreamExample]:
        """Return the example of a usable sample, or of the next one that can be decoded.

        Args:
            place: index in `usable`.
            turn: number of the pass, on which variations depend.

        Raises:
            DataError: none of the samples can be decoded; or this one cannot, and the log is
                strict.
        """
        self._data.epoch = turn
        for offset in range(len(self.usable)):
            number = int(self.usable[(place + offset) % len(self.usable)])
            if number in self._damaged:
                continue
            try:
                return self._data[number]
            except (SampleError, UnitShapeError) as error:
                self._damaged.add(number)
                self.log.kept -= 1
                self.log.skip("damaged", SampleError(f"{self.path}, sample {number}: {error}"))
        raise DataError(f"{self.path} has no sample that can be decoded: {self.log.summary()}")


class Mixture(Dataset[list[StreamExample]]):
    """Dataset of samples and worlds in one order, which seed and weights alone decide.

    The samples of a pass are shuffled, in groups of about one length. The groups of all sources
    are spread evenly over the run. Worlds stay in the order of their lessons.

    Args:
        files: files of samples, with the number of passes over each: 2 for two, 0.5 for a half.
        lessons: lessons of the synthetic world; `None`: none.
        passes: share of the lessons that is used, from their beginning, at most 1.
        seed: seed of the order.

    Raises:
        ValueError: nothing is left to train on.
    """

    def __init__(
        self,
        files: Sequence[tuple[SampleFile, float]],
        lessons: Lessons | None = None,
        passes: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.files = tuple(file for file, _ in files)
        self.lessons = lessons
        random = np.random.default_rng((seed, 21))
        groups: list[tuple[float, list[tuple[int, int, int]]]] = []
        for source, (file, weight) in enumerate(files):
            groups += _spread(_passes(source, file.lengths, weight, random), random)
        if lessons is not None:
            worlds = round(len(lessons) * min(passes, 1.0))
            batches = [
                [(-1, world, 0) for world in range(first, min(first + ALIKE, worlds))]
                for first in range(0, worlds, ALIKE)
            ]
            groups += _spread(batches, random)
        groups.sort(key=lambda group: group[0])
        self._order = [item for _, group in groups for item in group]
        if not self._order:
            raise ValueError("the mixture has no sample and no world; raise its weights")

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, index: int) -> list[StreamExample]:
        source, place, turn = self._order[index]
        if source >= 0:
            return self.files[source].example(place, turn)
        assert self.lessons is not None
        return self.lessons[place]

    @property
    def labels(self) -> LabelCounts:
        """Positive and negative units of all files."""
        return sum((file.labels for file in self.files), LabelCounts({}, {}))


def _passes(
    source: int, lengths: np.ndarray, weight: float, random: np.random.Generator
) -> list[list[tuple[int, int, int]]]:
    """Return groups of (source, sample, pass), those of a group of about one length."""
    groups = []
    count = round(weight * len(lengths))
    for turn, first in enumerate(range(0, count, len(lengths))):
        order = random.permutation(len(lengths))[: count - first]
        pass_groups = []
        for start in range(0, len(order), POOL):
            pool = order[start : start + POOL]
            pool = pool[np.argsort(lengths[pool], kind="stable")]
            pass_groups += [pool[at : at + ALIKE] for at in range(0, len(pool), ALIKE)]
        for index in random.permutation(len(pass_groups)).tolist():
            groups.append([(source, int(sample), turn) for sample in pass_groups[index]])
    return groups


def _spread(
    groups: list[list[tuple[int, int, int]]], random: np.random.Generator
) -> list[tuple[float, list[tuple[int, int, int]]]]:
    """Return the groups with their places in the run, 0 to 1, in the same order."""
    return [((at + random.random()) / len(groups), group) for at, group in enumerate(groups)]
