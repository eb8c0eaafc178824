"""Unit positions against transformers' own, on the whole sequence."""

from __future__ import annotations

import pytest
import torch

from roma_ros.thinker import EncodedUnit, RomaThinker
from roma_ros.thinker.qwen_omni import multimodal_model


def positions_of(units: list[EncodedUnit], opening: int) -> torch.Tensor:
    parts = [torch.arange(opening).expand(3, -1)]
    position = opening
    for unit in units:
        parts.append(unit.offsets + position)
        position += unit.advance
    return torch.cat(parts, dim=1)


@pytest.mark.parametrize(
    ("video", "audio", "size"),
    [
        (True, True, (96, 128)),
        (True, True, (56, 56)),
        (True, True, (28, 3_000)),  # wider than the sound is long
        (True, False, (96, 128)),
        (True, False, (28, 3_000)),
        (False, True, (96, 128)),
    ],
)
def test_positions_equal_get_rope_index(tiny: RomaThinker, make_unit, video, audio, size) -> None:
    units = [
        tiny.encode(make_unit(index, video=video, audio=audio, height=size[0], width=size[1]))
        for index in range(3)
    ]
    opening = tiny.dialogue.opening("alert me when you hear two beeps")
    ids = torch.cat([torch.tensor(opening), *(unit.tokens for unit in units)])[None]
    patches = tiny.features.video(make_unit(0, height=size[0], width=size[1]).frames)
    grid = torch.tensor([[1, patches.rows, patches.columns]] * 3) if video else None
    oracle, _ = multimodal_model(tiny.backbone).get_rope_index(
        ids,
        # Without any grid the library takes sound for text; one that no token uses mends that.
        image_grid_thw=torch.tensor([[1, 4, 4]]) if grid is None else None,
        video_grid_thw=grid,
        attention_mask=torch.ones_like(ids),
        use_audio_in_video=video and audio,
        audio_seqlens=torch.tensor([100] * 3) if audio else None,
        second_per_grids=torch.ones(3) if video else None,
    )
    torch.testing.assert_close(positions_of(units, len(opening)), oracle[:, 0], rtol=0, atol=0)


def test_tokens_stand_in_the_papers_order(tiny: RomaThinker, make_unit) -> None:
    unit = tiny.encode(make_unit(0))
    text = "".join(tiny.tokenizer.convert_ids_to_tokens(unit.tokens.tolist()))
    video = text.count("<|VIDEO|>")
    assert text == (
        "<|vision_bos|><|audio_bos|>" + "<|VIDEO|>" * video + "<|AUDIO|>" * 25
        + "<|audio_eos|><|vision_eos|>"
    )  # fmt: skip
    assert unit.embeds.shape == (len(unit.tokens), 192)
    assert len(unit.tokens) <= tiny.max_unit_tokens
    assert unit.stamp == 1_000_000_000
