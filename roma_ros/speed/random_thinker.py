"""Thinker of full size with random weights, which is as fast as the trained one.

Nothing is downloaded; only a config is read. The weights are made and quantised part by part, so
that memory never holds more than the finished model and one layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import torch
from torch import nn
from transformers import (
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    WhisperFeatureExtractor,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from roma_ros.planning import read_model_config
from roma_ros.thinker import RomaConfig, RomaThinker, SpeakHead
from roma_ros.thinker.attention import SLOT_ATTENTION
from roma_ros.thinker.checkpoint import load_tokenizer, resolve_folder
from roma_ros.thinker.features import FeatureExtractor
from roma_ros.thinker.quantization import KEPT, Quantization, quantization_config
from roma_ros.thinker.qwen_omni import set_attention

__all__ = ["RandomThinkerError", "make_random_thinker"]

SPREAD = 0.02  # standard deviation of the weights, as Qwen initialises them
POOL = 1_048_573  # random values that fill the weights; a prime, so that no two rows are equal


class RandomThinkerError(RuntimeError):
    """Raised when a library that building needs is not installed."""


def make_random_thinker(
    name: str,
    *,
    device: torch.device,
    dtype: torch.dtype,
    quantization: Quantization = Quantization.NONE,
    max_pixels: int = 65_536,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> RomaThinker:
    """Build a thinker of given sizes with random weights; its output has no meaning.

    Its tokenizer is roma_tiny's, whose ids are the first rows of the full-size embeddings. It
    never ends a reply, so that there is always another token to time.

    Args:
        name: name of a packaged config, such as `3b`, or path of a folder with a config.json.
        device: device of the weights.
        dtype: dtype of weights that are not quantised.
        quantization: storage format of the backbone's linear layers.
        max_pixels: largest area of a resized frame, in pixels; at least 784.
        on_progress: called with the number of weights made so far, and of all.

    Raises:
        PlanningError: there is no such config.
        CheckpointError: `max_pixels` is below 784.
        RandomThinkerError: accelerate or bitsandbytes is missing.
    """
    settings = RomaConfig(max_pixels=max_pixels, min_pixels=min(3_136, max_pixels))
    with _without_memory():
        config = Qwen2_5OmniThinkerConfig.from_dict(read_model_config(name))
        backbone = Qwen2_5OmniThinkerForConditionalGeneration(config)
    if config.tie_word_embeddings:
        backbone.tie_weights()
    if quantization is not Quantization.NONE:
        _quantize_empty(backbone, quantization, dtype)
    tokenizer = load_tokenizer(resolve_folder("roma_tiny"))
    _fill(backbone, device, dtype, on_progress)
    set_attention(backbone, SLOT_ATTENTION)
    thinker = RomaThinker(
        backbone=backbone.eval().requires_grad_(False),
        tokenizer=tokenizer,
        features=FeatureExtractor(
            Qwen2VLImageProcessorPil(),
            WhisperFeatureExtractor(config.audio_config.num_mel_bins),
            min_pixels=settings.min_pixels,
            max_pixels=settings.max_pixels,
        ),
        config=settings,
        speak_head=SpeakHead(config.text_config.hidden_size).eval().to(device),
        name=f"{name}, random weights",
    )
    for token in (thinker.dialogue.end, thinker.dialogue.pause):
        backbone.lm_head.weight.data[token] = 0  # of 500 random logits another is above 0
    return thinker


def _without_memory() -> AbstractContextManager[None]:
    try:
        from accelerate import init_empty_weights
    except ImportError as error:
        raise RandomThinkerError(
            "random weights are built with accelerate; pip install '.[quantize]'"
        ) from error
    context: AbstractContextManager[None] = init_empty_weights(include_buffers=False)
    return context


def _quantize_empty(
    backbone: Qwen2_5OmniThinkerForConditionalGeneration, kind: Quantization, dtype: torch.dtype
) -> None:
    """Replace linear layers by bitsandbytes', as transformers does when it loads."""
    try:
        from transformers.integrations.bitsandbytes import replace_with_bnb_linear
    except ImportError as error:
        raise RandomThinkerError(
            f"{kind.value} needs bitsandbytes; pip install '.[quantize]'"
        ) from error
    replace_with_bnb_linear(
        backbone, modules_to_not_convert=KEPT, quantization_config=quantization_config(kind, dtype)
    )


def _fill(
    backbone: nn.Module,
    device: torch.device,
    dtype: torch.dtype,
    on_progress: Callable[[int, int], None],
) -> None:
    pool = torch.randn(POOL, generator=torch.Generator().manual_seed(0)).mul_(SPREAD).to(dtype)
    pool = pool.to(device)
    slots = list(_slots(backbone))
    total = sum(old.numel() for _, _, old in slots)
    done = 0
    made: dict[int, nn.Parameter] = {}  # tied weights are one
    for module, name, old in slots:
        if id(old) not in made:
            made[id(old)] = _like(old, _values(pool, old.shape))
        setattr(module, name, made[id(old)])
        done += old.numel()
        on_progress(done, total)
    for module in backbone.modules():
        for key, buffer in module.named_buffers(recurse=False):
            module.register_buffer(
                key, buffer.to(device), persistent=key not in module._non_persistent_buffers_set
            )


def _slots(backbone: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Parameter]]:
    for module in list(backbone.modules()):
        for name, old in list(module.named_parameters(recurse=False)):
            yield module, name, old


def _values(pool: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    count = shape.numel()
    if count <= pool.numel():
        return pool[:count].reshape(shape).clone()
    return pool.repeat(-(-count // pool.numel()))[:count].reshape(shape)


def _like(old: nn.Parameter, values: torch.Tensor) -> nn.Parameter:
    """Make a parameter of the same class as `old`; bitsandbytes' quantise when they are moved."""
    if type(old) is nn.Parameter:
        return nn.Parameter(values, requires_grad=False)
    # bitsandbytes' parameters hold their settings as attributes.
    settings = {key: value for key, value in vars(old).items() if key != "SCB"}
    parameter = type(old)(values.cpu(), requires_grad=False, **settings).to(values.device)
    assert isinstance(parameter, nn.Parameter)  # as bitsandbytes' own `to` gives it back
    return parameter
