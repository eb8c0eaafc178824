"""Training examples of files of samples: a dataset for the Trainer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from torch.utils.data import Dataset

from roma_ros.data import (
    Augmentation,
    Sample,
    SampleError,
    SampleIndex,
    SkipLog,
    Task,
    Variation,
    sample_units,
    vary,
)
from roma_ros.training.example import Exchange, StreamExample
from roma_ros.training.feature_cache import ExtractedUnit, FeatureCache, extract
from roma_ros.units import MultimodalUnit

__all__ = ["SampleDataset", "SampleWeights", "sample_example"]

CACHED = 4  # streams of units that are kept decoded
Units: TypeAlias = "list[MultimodalUnit] | list[ExtractedUnit]"
MAX_UNITS = 600
"""Longest stream that is read: about 32,000 tokens of the release."""


@dataclass(frozen=True, slots=True)
class SampleWeights:
    """Loss weights of units with a positive label, by task."""

    alert: float = 1.0
    narration: float = 1.5


def sample_example(
    sample: Sample,
    units: Sequence[MultimodalUnit] | Sequence[ExtractedUnit],
    weights: SampleWeights | None = None,
) -> StreamExample:
    """Return a sample as a training example.

    - Alert: labels of p(speak), no text. The instruction is in the opening turns, or spoken.
    - Narration: labels, and the text of each answer, which stays in the stream.
    - Question: written, each on a branch of its own after its unit; spoken, the answer stays in the
      stream. Nothing is learnt about p(speak).

    A unit that is positive while the instruction is still spoken, or before the time of a written
    one, has no label. Answers without a time are left out.

    Args:
        sample: the sample.
        units: its units.
        weights: loss weights; `None`: the defaults.

    Raises:
        SampleError: questions and answers are not as many, or an answer comes after the last unit.
    """
    weights = weights or SampleWeights()
    due = [(answer.unit, answer.text) for answer in sample.answers if answer.unit is not None]
    if late := [unit for unit, _ in due if unit >= len(units)]:
        raise SampleError(
            f"sample {sample.id} has an answer after unit {late[0]}; its stream has {len(units)}"
        )
    if sample.task is Task.QUESTION:
        return _questions(sample, units)
    labels = sample.labels(len(units)).tolist()
    told = _told_after(sample)
    is_narration = sample.task is Task.NARRATION
    return StreamExample(
        units=units,
        instruction=_written(sample),
        speak=[None if label and unit < told else label for unit, label in enumerate(labels)],
        replies=dict(due) if is_narration else {},
        weight=weights.narration if is_narration else weights.alert,
    )


def _questions(
    sample: Sample, units: Sequence[MultimodalUnit] | Sequence[ExtractedUnit]
) -> StreamExample:
    if len(sample.queries) != len(sample.answers):
        raise SampleError(
            f"sample {sample.id} has {len(sample.queries)} questions and {len(sample.answers)} "
            "answers; expected one answer for each"
        )
    exchanges = []
    replies: dict[int, str] = {}
    for query, answer in zip(sample.queries, sample.answers, strict=True):
        unit = answer.unit
        if unit is None:
            continue
        if query.audio is None:
            exchanges.append(Exchange(unit=unit, question=query.text, answer=answer.text))
        elif unit in replies:
            raise SampleError(
                f"sample {sample.id} has two spoken questions that end in unit {unit}; expected one"
            )
        else:
            replies[unit] = answer.text
    return StreamExample(units=units, exchanges=exchanges, replies=replies)


def _told_after(sample: Sample) -> float:
    """Return when the last instruction has been given, s."""
    return max(query.time + query.duration for query in sample.queries)


def _written(sample: Sample) -> str | None:
    texts = [query.text for query in sample.queries if query.audio is None]
    return " ".join(texts) or None


class SampleDataset(Dataset[list[StreamExample]]):
    """Dataset of the samples of a file; each item is a list of one example, as of `Lessons`.

    Places of the samples are in memory, videos are decoded when they are needed. The units of the
    last few videos are kept, so that samples on one video decode it once.

    Args:
        path: file of samples.
        augmentation: variations; `None`: none.
        seed: seed of the variations.
        weights: loss weights of positive units; `None`: the defaults.
        max_units: length at which a stream is cut, with what is due after it.
        log: count of the samples, and of those that are skipped; `None`: an invalid one is an
            error.
        cache: features of units on disk, used where no variation changes them; `None`: none.

    Raises:
        SampleError: the file cannot be read, or a sample is invalid.
    """

    def __init__(
        self,
        path: Path,
        *,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        weights: SampleWeights | None = None,
        max_units: int = MAX_UNITS,
        log: SkipLog | None = None,
        cache: FeatureCache | None = None,
    ) -> None:
        self.samples = SampleIndex(path, log)
        self.epoch = 0
        self._augmentation = augmentation
        self._seed = seed
        self._weights = weights
        self._max_units = max_units
        self._stored = cache
        self._cache: OrderedDict[tuple[str, ...], Units] = OrderedDict()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> list[StreamExample]:
        sample: Sample = self.samples[index]
        variation = None
        if self._augmentation is not None:
            variation = vary(sample, self._augmentation, self._seed, self.epoch)
            sample = variation.sample
        units = self._units(sample, variation)
        return [sample_example(_cut(sample, len(units)), units, self._weights)]

    def _units(self, sample: Sample, variation: Variation | None) -> Units:
        spoken = any(query.audio is not None for query in sample.queries)
        if variation is not None:
            return self._decoded(sample, variation)
        if spoken:
            return self._extracted(sample)
        units = self._cache.pop(sample.video, None)
        if units is None or len(units) < self._needed(sample):
            units = self._extracted(sample)
        self._cache[sample.video] = units
        while len(self._cache) > CACHED:
            self._cache.popitem(last=False)
        return units

    def _needed(self, sample: Sample) -> int:
        last = max((answer.unit or 0 for answer in sample.answers), default=0)
        return min(last + 1, self._max_units)

    def _extracted(self, sample: Sample) -> Units:
        """Return the units of a sample, from the cache on disk if there is one."""
        if self._stored is None:
            return self._decoded(sample, None)
        spoken = [query for query in sample.queries if query.audio is not None]
        names = [*sample.video, *(query.audio for query in spoken if query.audio is not None)]
        try:
            key = self._stored.key(
                [self.samples.folder / name for name in names],
                [query.time for query in spoken],
                self._max_units,
            )
        except OSError as error:
            raise SampleError(f"a file of sample {sample.id} cannot be read: {error}") from error
        units = self._stored.load(key)
        if units is None or len(units) < self._needed(sample):
            features = self._stored.features
            units = [extract(features, unit) for unit in self._decoded(sample, None)]
            self._stored.store(key, units)
        return units

    def _decoded(self, sample: Sample, variation: Variation | None) -> list[MultimodalUnit]:
        units = []
        for unit in sample_units(sample, self.samples.folder, variation):
            units.append(unit)
            if len(units) == self._max_units:
                break
        return units


def _cut(sample: Sample, units: int) -> Sample:
    """Return the sample without what is due after its last unit."""
    if all(answer.unit is None or answer.unit < units for answer in sample.answers):
        return sample
    if sample.task is not Task.QUESTION:
        kept = tuple(a for a in sample.answers if a.unit is None or a.unit < units)
        return replace(sample, answers=kept)
    pairs = [
        (query, answer)
        for query, answer in zip(sample.queries, sample.answers, strict=False)
        if answer.unit is None or answer.unit < units
    ]
    if not pairs:
        raise SampleError(
            f"sample {sample.id} asks its first question after {units} units; raise max_units, or "
            "leave it out"
        )
    return replace(
        sample,
        queries=tuple(query for query, _ in pairs),
        answers=tuple(answer for _, answer in pairs),
    )
