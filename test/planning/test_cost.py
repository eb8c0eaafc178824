"""What is counted against what the real model, its cache and torch's own counter say."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from roma_ros.planning import (
    ModelShape,
    Workload,
    cache_bytes,
    costs_of,
    find_weight_format,
    weight_bytes,
)

FLOAT32 = 4


@pytest.fixture(scope="module")
def shape(tiny):
    return ModelShape.of_config(tiny.backbone.config.to_dict(), name="tiny")


@pytest.mark.parametrize("policy", ["evict", "handover"])
@pytest.mark.parametrize("seconds", [1, 3, 60])
def test_a_cache_is_as_large_as_a_session_allocates_it(tiny, shape, seconds, policy):
    with tiny.open_session(
        "alert me when it rains", context_seconds=seconds, context_policy=policy
    ) as session:
        work = Workload(
            pixels=tiny.config.max_pixels,
            context_seconds=seconds,
            handover=policy == "handover",
            opening_tokens=len(session.opening),
        )
        assert work.overlap == session.overlap
        assert work.cache_tokens == session.kv_capacity
        assert cache_bytes(shape, work, FLOAT32) == session.memory_bytes


def test_weights_are_as_large_as_the_models(tiny, shape):
    parameters = [*tiny.backbone.parameters(), *tiny.speak_head.parameters()]
    real = sum(parameter.nbytes for parameter in parameters)
    # The mixer of the speak head and its biases are left out.
    assert weight_bytes(shape, find_weight_format("none"), FLOAT32) == pytest.approx(real, rel=1e-4)


@pytest.mark.parametrize("side", [84, 112])
def test_operations_are_those_that_torch_counts(tiny, shape, make_unit, side):
    unit = make_unit(0, height=side, width=side)
    patches, mel = tiny.features.video(unit.frames), tiny.features.audio(unit.audio)
    grid = torch.tensor([[1, patches.rows, patches.columns]])
    with (
        torch.inference_mode(),
        tiny.open_session("x", context_seconds=2, context_policy="evict") as session,
    ):
        encoded = tiny.encode(unit)
        for _ in range(3):
            session.step(encoded)
        counted = {
            "vision": _count(lambda: tiny.encode_video(torch.from_numpy(patches.pixels), grid)),
            "audio": _count(lambda: tiny.encode_audio(torch.from_numpy(mel))),
            "backbone": _count(lambda: session.step(encoded)),
        }
        # Attention is computed over whole steps of the cache.
        seen = session._context.window.cache.read_length
    tokens = int((encoded.tokens == tiny.dialogue.token("<|VIDEO|>")).sum())
    work = Workload(pixels=12_544, video_tokens=tokens, context_seconds=1)
    opening = seen - work.unit_tokens
    work = Workload(pixels=12_544, video_tokens=tokens, context_seconds=1, opening_tokens=opening)
    costs = costs_of(shape, find_weight_format("none"), work, FLOAT32)
    assert costs.vision.operations == pytest.approx(counted["vision"], rel=0.02)
    assert costs.audio.operations == pytest.approx(counted["audio"], rel=0.02)
    both = costs.backbone.operations + costs.head.operations
    assert both == pytest.approx(counted["backbone"], rel=0.02)


def test_a_second_context_takes_passes_of_several_units(tiny, make_unit):
    work = Workload(pixels=12_544, context_seconds=8)
    unit, passes = tiny.encode(make_unit(0)), []
    with tiny.open_session("x", context_seconds=8, context_policy="handover") as session:
        for _ in range(8 + 4):
            session.step(unit)
        before = session._next.units_kept if session._next else 0
        for _ in range(4):
            session.step(unit)
            now = session._next.units_kept if session._next else 0
            passes.append(now - before)
            before = now
    assert sum(count > 0 for count in passes) == 4 * work.passes_per_unit
    assert max(passes) * work.unit_tokens == work.pass_tokens
    evict = Workload(pixels=12_544, context_seconds=8, handover=False)
    assert (evict.pass_tokens, evict.passes_per_unit) == (0, 0)


def _attention(query, key, value, *_, **__):
    return sdpa_flop_count(query, key, value)


# torch 2.13 counts attention on GPUs alone.
ON_CPU = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention}


def _count(work):
    with FlopCounterMode(display=False, custom_mapping=ON_CPU) as counter:
        work()
    return counter.get_total_flops()


def test_unpacked_weights_move_more_for_units_and_not_for_tokens():
    model, work = ModelShape.named("7b"), Workload()
    plain = costs_of(model, find_weight_format("none"), work, 2)
    packed = costs_of(model, find_weight_format("nf4"), work, 2)
    assert packed.backbone.bytes > 2 * plain.backbone.bytes
    assert packed.token.bytes < plain.token.bytes / 2
    assert packed.backbone.operations == plain.backbone.operations


def test_a_recipe_changes_its_own_part_alone():
    model, work = ModelShape.named("3b"), Workload()
    plain = costs_of(model, find_weight_format("none"), work, 2)
    encoders = costs_of(model, find_weight_format("onnx-int8"), work, 2)
    assert encoders.vision.bytes == plain.vision.bytes / 2
    assert encoders.backbone == plain.backbone
