"""The optimised parts against transformers' own modules, on the embedded checkpoint as it ships."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch.nn import functional

from roma_ros.thinker import RomaThinker
from roma_ros.thinker.attention import fold_mask, slot_attention
from roma_ros.thinker.qwen_omni import (
    LinearPatchEmbedding,
    audio_constants,
    audio_tower,
    vision_constants,
    vision_tower,
)
from roma_ros.units import MultimodalUnit

SHAPES = [(112, 112), (720, 1280), (480, 640), (112, 112)]


@pytest.fixture(scope="module")
def optimized() -> RomaThinker:
    return RomaThinker.from_pretrained("roma_tiny")


@pytest.fixture(scope="module")
def plain() -> RomaThinker:
    return RomaThinker.from_pretrained("roma_tiny", optimized=False)


def steps(
    thinker: RomaThinker, make_unit: Callable[..., MultimodalUnit]
) -> Iterator[tuple[float | None, str]]:
    """Yield p(speak) and what is said: with evictions, speech, branches and frames that change."""
    with thinker.open_session("tell me what you see", context_seconds=4) as session:
        for index in range(14):
            height, width = SHAPES[index % len(SHAPES)]
            unit = make_unit(index, video=index % 5 != 4, height=height, width=width)
            step, said = session.step(thinker.encode(unit)), ""
            if index in (1, 2, 8):
                said = session.speak(max_new_tokens=5).reply
            if index in (3, 9):
                session.stop_speaking()
                with session.branch() as branch:
                    said = branch.answer("what do you hear?")
                    if index == 9:
                        branch.keep()
            yield step.p_speak, said
        assert session.evicted > 5


def test_optimised_and_plain_give_the_same_stream(optimized, plain, make_unit) -> None:
    assert isinstance(vision_tower(optimized.backbone).patch_embed, LinearPatchEmbedding)
    assert not isinstance(vision_tower(plain.backbone).patch_embed, LinearPatchEmbedding)
    pairs = list(zip(steps(optimized, make_unit), steps(plain, make_unit), strict=True))
    assert [said for (_, said), _ in pairs] == [said for _, (_, said) in pairs]
    for (fast, _), (slow, _) in pairs:
        assert fast == pytest.approx(slow, abs=1e-5)
    assert any(said for (_, said), _ in pairs)


@pytest.mark.parametrize("shape", SHAPES)
def test_constants_of_the_vision_encoder_are_those_that_it_computes(plain, make_unit, shape):
    patches = plain.features.video(make_unit(0, height=shape[0], width=shape[1]).frames)
    tower = vision_tower(plain.backbone)
    pixels = torch.from_numpy(patches.pixels)
    grid = torch.tensor([[1, patches.rows, patches.columns]])
    constants = vision_constants(tower, patches.rows, patches.columns)
    alone = tower(pixels, grid_thw=grid).pooler_output
    given = tower(pixels, grid_thw=None, **constants).pooler_output
    assert torch.equal(alone, given)


def test_constants_of_the_audio_encoder_are_those_that_it_computes(plain, make_unit):
    tower = audio_tower(plain.backbone)
    mel = torch.from_numpy(plain.features.audio(make_unit(0).audio))
    alone = tower(mel, feature_lens=torch.tensor([100])).last_hidden_state
    given = tower(padded_feature=mel[None], **audio_constants(tower, 100)).last_hidden_state
    assert torch.equal(alone, given)


def test_a_batch_of_units_gives_the_features_of_each(optimized, make_unit):
    units = [optimized.encode(make_unit(index)) for index in range(3)]
    patches = [optimized.features.video(make_unit(index).frames) for index in range(3)]
    grid = torch.tensor([[1, patch.rows, patch.columns] for patch in patches])
    pixels = torch.cat([torch.from_numpy(patch.pixels) for patch in patches])
    mels = [torch.from_numpy(optimized.features.audio(make_unit(i).audio)) for i in range(3)]
    video = optimized.encode_video(pixels, grid).chunk(3)
    audio = optimized.encode_audio(torch.cat(mels, 1)).chunk(3)
    for unit, *features in zip(units, video, audio, strict=True):
        torch.testing.assert_close(unit.embeds[2:-2], torch.cat(features), rtol=0, atol=1e-5)


def test_what_was_kept_in_inference_serves_in_training(optimized, make_unit):
    optimized.encode(make_unit(0))
    patches = optimized.features.video(make_unit(0).frames)
    weight = vision_tower(optimized.backbone).patch_embed.proj.weight
    weight.requires_grad_(True)
    try:
        grid = torch.tensor([[1, patches.rows, patches.columns]])
        optimized.encode_video(torch.from_numpy(patches.pixels), grid).sum().backward()
        assert weight.grad is not None
        assert weight.grad.abs().max() > 0
    finally:
        weight.requires_grad_(False)
        weight.grad = None


def test_the_patch_embedding_is_the_convolution(plain) -> None:
    convolution = vision_tower(plain.backbone).patch_embed
    linear = LinearPatchEmbedding(convolution)
    assert linear.state_dict().keys() == convolution.state_dict().keys()
    patches = torch.randn(24, linear.proj.weight[0].numel(), generator=torch.manual_seed(0))
    torch.testing.assert_close(linear(patches), convolution(patches), rtol=0, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 3])
def test_a_bias_masks_as_the_mask_that_it_was_made_of(groups: int) -> None:
    generator = torch.manual_seed(0)
    query = torch.randn(1, 2 * groups, 5, 16, generator=generator)
    key, value = torch.randn(2, 1, 2, 12, 16, generator=generator)
    mask = torch.rand(5, 12, generator=generator) < 0.5
    mask[:, 0] = True
    bias = fold_mask(mask, groups, torch.float32)
    assert bias.shape == (1, 1, groups * 5, 12)
    by_mask, _ = slot_attention(torch.nn.Module(), query, key, value, mask[None, None])
    by_bias, _ = slot_attention(torch.nn.Module(), query, key, value, bias)
    assert torch.equal(by_mask, by_bias)
    whole = (tensor.repeat_interleave(groups, 1) for tensor in (key, value))
    expected = functional.scaled_dot_product_attention(query, *whole, attn_mask=mask)
    torch.testing.assert_close(by_bias.transpose(1, 2), expected, rtol=0, atol=1e-6)
