"""Time of one more unit of a stream with three implementations, in one run.

- `roma_ros`: a session with a window of 60 s.
- `growing cache`: the unit alone into a DynamicCache that is never shortened, as ROMA's release
  does. It is brought to each age by repeating its own keys and values.
- `re-encode`: the whole conversation again, features to first token, through transformers'
  `generate`, as most people would.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from transformers import DynamicCache

from roma_ros.speed import Spread, bench_unit
from roma_ros.thinker import RomaThinker
from roma_ros.thinker.qwen_omni import (
    forward_text,
    multimodal_model,
    set_attention,
    text_model,
)
from roma_ros.units import MultimodalUnit

__all__ = ["WaySpeed", "compare_ways"]

INSTRUCTION = "alert me when you hear a beep"
SAMPLE = 20


@dataclass(frozen=True, slots=True)
class WaySpeed:
    """Time of one more unit.

    Attributes:
        way: name of the implementation.
        unit: number of units before it.
        step: time of the unit in seconds.
        tokens: length of the sequence in tokens.
    """

    way: str
    unit: int
    step: Spread
    tokens: int


def compare_ways(
    thinker: RomaThinker, *, at: tuple[int, ...] = (60, 120, 2_000), reencode_until: int = 120
) -> list[WaySpeed]:
    """Measure all three after each number of units in `at`; re-encode only to `reencode_until`."""
    stream = [bench_unit(index, height=480, width=640) for index in range(20)]
    speeds = [*streaming(thinker, stream, at), *growing(thinker, stream, at)]
    for unit in at:
        if unit <= reencode_until:
            speeds.append(reencoding(thinker, [stream[index % 20] for index in range(unit)]))
    return speeds


def timed(thinker: RomaThinker, work: Callable[[], object]) -> float:
    start = thinker.clock()
    work()
    return thinker.clock() - start


def streaming(
    thinker: RomaThinker, stream: list[MultimodalUnit], at: tuple[int, ...]
) -> list[WaySpeed]:
    speeds, seconds = [], []
    with thinker.open_session(INSTRUCTION, context_seconds=60) as session:
        for unit in range(1, max(at) + 1):
            seconds.append(timed(thinker, lambda: session.step(stream[unit % 20])))  # noqa: B023
            if unit in at:
                spread = Spread.of(seconds[-SAMPLE:])
                speeds.append(WaySpeed("roma_ros", unit, spread, session.kv_length))
    return speeds


@torch.inference_mode()
def growing(
    thinker: RomaThinker, stream: list[MultimodalUnit], at: tuple[int, ...]
) -> list[WaySpeed]:
    model = text_model(thinker.backbone)
    set_attention(thinker.backbone, "sdpa")
    cache = DynamicCache(config=model.config)
    opening = thinker.dialogue.opening(INSTRUCTION)
    position = len(opening)
    forward_text(model, inputs_embeds=thinker.embed(opening)[None], cache=cache, use_cache=True)
    speeds: list[WaySpeed] = []
    seconds: list[float] = []

    def step(unit: MultimodalUnit) -> int:
        encoded = thinker.encode(unit)
        outputs = forward_text(
            model,
            inputs_embeds=encoded.embeds[None],
            position_ids=(encoded.offsets + position)[:, None],
            cache=cache,
            use_cache=True,
            output_hidden_states=True,
        )
        thinker.p_speak(tuple(state[0, -1] for state in outputs.hidden_states))
        return encoded.advance

    try:
        for unit in at:
            tokens_before = cache.get_seq_length()
            position += step(stream[0])
            grow(cache, (unit - SAMPLE) * (cache.get_seq_length() - tokens_before))
            for index in range(SAMPLE):
                start = thinker.clock()
                position += step(stream[index])
                seconds.append(thinker.clock() - start)
            spread = Spread.of(seconds[-SAMPLE:])
            speeds.append(WaySpeed("growing cache", unit, spread, cache.get_seq_length()))
    finally:
        set_attention(thinker.backbone, "roma_slots")
    return speeds


def grow(cache: DynamicCache, tokens: int) -> None:
    """Extend a cache to the length of a longer stream; the speed does not depend on its values."""
    for layer in cache.layers:
        times = -(-tokens // layer.keys.shape[2])
        layer.keys = layer.keys.repeat(1, 1, times, 1)[:, :, :tokens].contiguous()
        layer.values = layer.values.repeat(1, 1, times, 1)[:, :, :tokens].contiguous()


@torch.inference_mode()
def reencoding(thinker: RomaThinker, units: list[MultimodalUnit]) -> WaySpeed:
    model = thinker.backbone
    set_attention(model, "sdpa")
    opening = thinker.dialogue.opening(INSTRUCTION)
    unit_ids = thinker.encode(units[0]).tokens.tolist()  # the same for units of one size
    tokens = 0

    def once() -> None:
        nonlocal tokens
        patches = [thinker.features.video(unit.frames) for unit in units if unit.frames is not None]
        mels = [thinker.features.audio(unit.audio) for unit in units if unit.audio is not None]
        ids = torch.tensor(
            [[*opening, *unit_ids * len(units), *thinker.dialogue.reply_header]],
            device=thinker.device,
        )
        tokens = ids.shape[1]
        multimodal_model(model).rope_deltas = None
        model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            input_features=torch.from_numpy(np.stack(mels)).to(thinker.device),
            feature_attention_mask=torch.ones(
                len(units), 100, dtype=torch.long, device=thinker.device
            ),
            pixel_values_videos=torch.from_numpy(
                np.concatenate([patch.pixels for patch in patches])
            ).to(thinker.device),
            video_grid_thw=torch.tensor(
                [[1, patch.rows, patch.columns] for patch in patches], device=thinker.device
            ),
            video_second_per_grid=torch.ones(len(units)),
            use_audio_in_video=True,
            max_new_tokens=1,
            do_sample=False,
            pad_token_id=thinker.dialogue.pause,
        )

    try:
        once()
        seconds: list[float] = []
        deadline = time.perf_counter() + 60
        while len(seconds) < SAMPLE and time.perf_counter() < deadline:
            seconds.append(timed(thinker, once))
    finally:
        set_attention(model, "roma_slots")
    return WaySpeed("re-encode", len(units), Spread.of(seconds), tokens)
