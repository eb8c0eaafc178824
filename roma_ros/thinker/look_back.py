"""Records of a memory: made from units in the window, matched to a question, written to a branch.

Positions of a record are relative to its unit's first token, so that it can be placed anywhere.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Sequence

import torch

from roma_ros.machine import total_memory
from roma_ros.thinker.errors import ContextError
from roma_ros.thinker.memory import (
    Memory,
    MemoryRecord,
    Quantized,
    chosen_layers,
    dequantize,
    quantize,
)
from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.qwen_omni import captured_queries, rotary_axes
from roma_ros.thinker.sequence import TokenSequence
from roma_ros.thinker.slot_cache import SlotCache, rotate
from roma_ros.thinker.window import ContextWindow, WindowUnit

__all__ = [
    "MAX_LOOK_BACK",
    "asks_about_past",
    "make_record",
    "match_question",
    "open_memory",
    "place_records",
]

log = logging.getLogger(__name__)

MAX_LOOK_BACK = 8
"""Most records that a question looks back at."""
PAST = re.compile(
    r"\b(ago|already|before|came|did|earlier|ever|first|had|happened|has|have|heard|last|past|"
    r"previous|previously|saw|seen|since|so far|until now|was|went|were|yet)\b",
    re.IGNORECASE,
)


def asks_about_past(question: str) -> bool:
    """Return whether a question has a word of the past, such as "ever", "so far" or "was"."""
    return PAST.search(question) is not None


def open_memory(model: ThinkerModel, megabytes: float) -> Memory | None:
    """Return a memory of at most `megabytes` MB; `None` for 0, or with a warning if none fits.

    None fits if not even one unit does, or if the host has less memory in all.

    Raises:
        ContextError: `megabytes` is negative or not finite.
    """
    if not 0 <= megabytes < math.inf:
        raise ContextError(f"memory_megabytes is {megabytes}; expected 0 or more, in MB")
    if not megabytes:
        return None
    budget, unit = int(megabytes * 1e6), record_bytes(model)
    if budget < unit:
        reason = f"one unit of {model.name} takes {unit / 1e6:.2f} MB"
    elif budget > (host := total_memory()):
        reason = f"this machine has {host / 1e6:,.0f} MB"
    else:
        return Memory(budget)
    log.warning("memory_megabytes is %g, and %s: the session has no memory", megabytes, reason)
    return None


def record_bytes(model: ThinkerModel) -> int:
    """Return the bytes of a record of the largest unit without text."""
    text = model.backbone.config.text_config
    heads = text.num_key_value_heads
    width = text.hidden_size // text.num_attention_heads
    pooled = 2 * 2 * len(chosen_layers(text.num_hidden_layers)) * heads * width
    size: int = 2 * text.num_hidden_layers * heads * model.max_unit_tokens * (width + 4) + pooled
    return size


def make_record(
    model: ThinkerModel, window: ContextWindow, unit: WindowUnit, span: int
) -> MemoryRecord:
    """Return the record of a unit in the window, without the tokens that outlive it.

    Args:
        model: weights.
        window: window that holds the unit.
        unit: a unit whose text has been run.
        span: positions up to the next unit.
    """
    retained = set(unit.retained)
    slots = [slot for slot in unit.slots if slot not in retained]
    cache = window.cache
    keys, values = cache.read(slots)
    keys = rotate(keys.float(), -unit.position * cache.inv_freq)
    leaves = [slot not in retained for slot in unit.slots]
    return MemoryRecord(
        stream=unit.stream,
        index=unit.index,
        first_stamp=unit.stamp,
        last_stamp=unit.stamp,
        units=1,
        text=tuple(unit.text),
        span=span,
        keys=_to_host(keys),
        values=_to_host(values),
        pooled=_pooled(model, keys, unit, leaves, cache.inv_freq),
    )


def match_question(
    model: ThinkerModel,
    sequence: TokenSequence,
    memory: Memory,
    prefix: Sequence[int],
    question: Sequence[int],
    limit: int,
    before: int | None,
) -> list[MemoryRecord]:
    """Return the records that match a question best, oldest first.

    Args:
        model: weights.
        sequence: sequence that the question will extend; unchanged.
        memory: the records.
        prefix: token ids to run before the question.
        question: token ids of the question's words.
        limit: most records to return.
        before: stamp that all their units are older than; `None` for any.
    """
    if len(older := memory.older(before)) <= limit:
        return older
    text = model.backbone.config.text_config
    layers = chosen_layers(text.num_hidden_layers)
    with captured_queries(model.backbone, layers) as captured:
        sequence.extend_temporarily(model.embed([*prefix, *question]))
    queries = torch.stack([query[-len(question) :].float().mean(dim=0) for query in captured])
    groups = text.num_attention_heads // text.num_key_value_heads
    queries = queries.reshape(len(layers), text.num_key_value_heads, groups, -1).mean(dim=2)
    return memory.match(queries.cpu(), limit, before)


def place_records(
    cache: SlotCache, sequence: TokenSequence, records: Sequence[MemoryRecord], position: int
) -> list[int]:
    """Write records into free slots that a sequence then attends to.

    Args:
        cache: cache of the sequence.
        sequence: sequence that attends to them.
        records: records in the order of time; as many of the newest are written as fit.
        position: position of the first of them; each following one stands right after it.

    Returns:
        The slots.

    Raises:
        ContextError: too few slots are free; nothing is written.
    """
    slots = cache.allocate(sum(record.tokens for record in records))
    first = 0
    for record in records:
        keys = dequantize(record.keys).to(cache.device)
        keys = rotate(keys, position * cache.inv_freq)
        values = dequantize(record.values).to(cache.device)
        cache.write(slots[first : first + record.tokens], keys, values)
        first += record.tokens
        position += record.span
    sequence.show(slots)
    return slots


def _to_host(vectors: torch.Tensor) -> Quantized:
    quantized = quantize(vectors)
    return Quantized(quantized.codes.cpu(), quantized.scales.cpu())


def _pooled(
    model: ThinkerModel,
    keys: torch.Tensor,
    unit: WindowUnit,
    left: Sequence[bool],
    frequencies: torch.Tensor,
) -> torch.Tensor:
    """Return (2, m, kv_heads, D) float16 mean keys of the video and the audio tokens.

    Args:
        model: weights.
        keys: (layers, kv_heads, n, D) of the unit's tokens that leave, and of its text.
        unit: the unit.
        left: for each slot of the unit, whether its token leaves.
        frequencies: (D / 2,) rotary frequencies.
    """
    leaving = torch.tensor(left[: len(unit.tokens)], device=keys.device)
    tokens, offsets = unit.tokens[leaving], unit.offsets[:, leaving]
    angles = -offsets[rotary_axes(model.backbone)].T * frequencies
    chosen = keys[list(chosen_layers(len(keys))), :, : len(tokens)]
    unrotated = rotate(chosen, angles)
    means = []
    for name in ("<|VIDEO|>", "<|AUDIO|>"):
        of_kind = unrotated[:, :, tokens == model.dialogue.token(name)]
        kinds = of_kind.shape[2]
        means.append(of_kind.mean(dim=2) if kinds else torch.zeros_like(unrotated[:, :, 0]))
    return torch.stack(means).half().cpu()
