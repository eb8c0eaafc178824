"""Long-term memory of a session: compact records of the units that left its context window.

A record holds keys and values of a unit in int8, with the keys rotated back to position 0, and
pooled keys to find it by. Ideas: ReKV (keys and values of a stream are kept, and a question
retrieves some by the backbone's own keys), StreamMem and LiveVLM (bounded, near-duplicates merged).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

import torch

__all__ = ["Memory", "MemoryRecord", "MemoryStatistics", "Quantized", "dequantize", "quantize"]

MERGE_BELOW = 0.6
"""Records are merged if their pooled keys differ by less than this, relative to the usual
difference of a record from the mean of all."""
FORGET_AMONG = 0.25
"""Share of the records, from the oldest on, of which the one that tells least leaves first."""
INT8_MAX = 127


@dataclass(frozen=True, slots=True)
class Quantized:
    """Vectors in int8 with one scale each.

    Attributes:
        codes: (..., D) int8.
        scales: (...,) float32; a vector is its codes times its scale.
    """

    codes: torch.Tensor
    scales: torch.Tensor

    @property
    def nbytes(self) -> int:
        """Bytes of codes and scales."""
        return self.codes.nbytes + self.scales.nbytes


def quantize(vectors: torch.Tensor) -> Quantized:
    """Quantise (..., D) vectors to int8, each by its largest absolute value."""
    vectors = vectors.float()
    scales = vectors.abs().amax(dim=-1) / INT8_MAX
    codes = vectors / scales.clamp(min=torch.finfo(torch.float32).tiny)[..., None]
    return Quantized(codes.round().to(torch.int8), scales)


def dequantize(quantized: Quantized) -> torch.Tensor:
    """Return the (..., D) float32 vectors; off by at most half a scale."""
    return quantized.codes.float() * quantized.scales[..., None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MemoryRecord:
    """A unit that left the window, or several near-duplicates of which the newest is kept.

    Attributes:
        stream, index: stream and index of the newest unit.
        first_stamp, last_stamp: ends of the oldest and the newest unit, ns on the sensor clock.
        units: number of units that it stands for.
        text: token ids of the text after the unit.
        span: number of TMRoPE positions of the unit and its text.
        keys, values: (layers, kv_heads, n, D) of its n tokens; the unit's first position is 0.
        pooled: (2, m, kv_heads, D) float16, mean key of the video and of the audio tokens at m
            layers, without any rotation; 0 for a modality that it lacks.
        novelty: how much it differed from the record before it, relative to the usual difference.
    """

    stream: int
    index: int
    first_stamp: int
    last_stamp: int
    units: int
    text: tuple[int, ...]
    span: int
    keys: Quantized
    values: Quantized
    pooled: torch.Tensor
    novelty: float = 1.0

    @property
    def tokens(self) -> int:
        """Number of its tokens in the cache."""
        return self.keys.codes.shape[2]

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return self.keys.nbytes + self.values.nbytes + self.pooled.nbytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStatistics:
    """Counts of a memory.

    Attributes:
        records: records that it holds.
        units: units that they stand for.
        nbytes: bytes that they take.
        recorded: units recorded so far.
        merged: units merged into the record before them.
        forgotten: units whose record has left, or was too large to be taken.
    """

    records: int
    units: int
    nbytes: int
    recorded: int
    merged: int
    forgotten: int


class Memory:
    """Records of one stream in the order of time, bounded in bytes.

    A unit that hardly differs from the record before it is merged with it: the record becomes the
    newer unit, and keeps the older stamp. If the budget is exceeded, the record with the least
    novelty among the oldest quarter leaves.

    Args:
        budget_bytes: most bytes of all records; with 0 nothing is kept.

    Raises:
        ValueError: the budget is negative.
    """

    def __init__(self, budget_bytes: int) -> None:
        if budget_bytes < 0:
            raise ValueError(f"budget_bytes is {budget_bytes}; expected 0 or more")
        self.budget_bytes = budget_bytes
        self._records: deque[MemoryRecord] = deque()
        self._nbytes = self._recorded = self._merged = self._forgotten = 0
        self._sum: torch.Tensor | None = None  # of pooled keys of all records
        self._typical = _Mean()

    def __len__(self) -> int:
        """Number of records."""
        return len(self._records)

    @property
    def records(self) -> tuple[MemoryRecord, ...]:
        """The records, oldest first."""
        return tuple(self._records)

    @property
    def nbytes(self) -> int:
        """Bytes of the records, at most `budget_bytes`."""
        return self._nbytes

    @property
    def statistics(self) -> MemoryStatistics:
        """Counts so far."""
        return MemoryStatistics(
            records=len(self._records),
            units=sum(record.units for record in self._records),
            nbytes=self._nbytes,
            recorded=self._recorded,
            merged=self._merged,
            forgotten=self._forgotten,
        )

    def record(self, record: MemoryRecord) -> None:
        """Add a record that is newer than all others.

        Args:
            record: of one unit. One that exceeds the budget is counted as forgotten.
        """
        self._recorded += record.units
        if record.nbytes > self.budget_bytes:
            self._forgotten += record.units
            return
        if self._records:
            last = self._records[-1]
            record = replace(record, novelty=self._novelty(record, last))
            if record.novelty < MERGE_BELOW and not (record.text or last.text):
                self._remove(len(self._records) - 1)
                self._merged += record.units
                record = replace(
                    record,
                    first_stamp=last.first_stamp,
                    units=last.units + record.units,
                    novelty=last.novelty,
                )
        self._append(record)
        while self._nbytes > self.budget_bytes:
            self._forget()

    def match(
        self, query: torch.Tensor, limit: int, before: int | None = None
    ) -> list[MemoryRecord]:
        """Return the records whose pooled keys match a query best, oldest first.

        The mean of all records is subtracted from their keys: what they have in common, the bias
        of the projection above all, says nothing about which of them matches.

        Args:
            query: (m, kv_heads, D) float, mean query of a question at the layers of the pooled
                keys, without rotation.
            limit: most records to return.
            before: stamp that all their units are older than; `None` for any.
        """
        older = self.older(before)
        if not older or limit <= 0:
            return []
        scores = self._scores(query)
        # Of records that match alike, the newer ones.
        order = sorted(range(len(older)), key=lambda number: (scores[number], number))
        return [older[number] for number in sorted(order[-limit:])]

    def older(self, before: int | None) -> list[MemoryRecord]:
        """Return the records whose units are all older than a stamp; `None`: all records."""
        return [r for r in self._records if before is None or r.last_stamp < before]

    def clear(self) -> None:
        """Remove all records; the counts start again."""
        self._records.clear()
        self._nbytes = self._recorded = self._merged = self._forgotten = 0
        self._sum, self._typical = None, _Mean()

    def _scores(self, query: torch.Tensor) -> list[float]:
        """Return the mean cosine over layers and heads, of the better modality of each record."""
        pooled = torch.stack([record.pooled for record in self._records]).float()
        there = pooled.abs().amax(dim=(2, 3, 4)) > 0  # (records, 2)
        count = there.sum(dim=0).clamp(min=1)[:, None, None, None]
        centred = pooled - pooled.sum(dim=0) / count
        cosine = torch.cosine_similarity(centred, query.float()[None, None], dim=-1).mean((2, 3))
        scores: list[float] = cosine.masked_fill(~there, -1).amax(dim=1).tolist()
        return scores

    def _novelty(self, record: MemoryRecord, last: MemoryRecord) -> float:
        """Return the larger relative difference of both modalities from the record before."""
        assert self._sum is not None
        mean = self._sum / len(self._records)
        difference = (record.pooled.float() - last.pooled.float()).square().sum((1, 2, 3))
        usual = (record.pooled.float() - mean).square().sum((1, 2, 3))
        self._typical.add(usual)
        relative = difference / self._typical.mean.clamp(min=1e-12)
        return float(relative.amax().sqrt())

    def _append(self, record: MemoryRecord) -> None:
        pooled = record.pooled.float()
        self._sum = pooled if self._sum is None else self._sum + pooled
        self._records.append(record)
        self._nbytes += record.nbytes

    def _remove(self, number: int) -> None:
        record = self._records[number]
        del self._records[number]
        self._nbytes -= record.nbytes
        if self._sum is not None:
            self._sum = self._sum - record.pooled.float()

    def _forget(self) -> None:
        oldest = max(1, int(len(self._records) * FORGET_AMONG))
        novelties = [record.novelty for record in islice(self._records, oldest)]
        number = novelties.index(min(novelties))
        self._forgotten += self._records[number].units
        self._remove(number)


class _Mean:
    """Running mean of tensors."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.zeros(())

    def add(self, value: torch.Tensor) -> None:
        self.count += 1
        self.mean = self.mean + (value - self.mean) / self.count


def chosen_layers(layers: int, most: int = 8) -> Sequence[int]:
    """Return the layers whose keys are pooled: at most `most`, evenly spaced, the last included."""
    count = min(layers, most)
    return [layers * (number + 1) // count - 1 for number in range(count)]
