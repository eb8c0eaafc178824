"""Make `roma_tiny`: Qwen2.5-Omni's thinker architecture at a few million parameters.

    python -m roma_ros.models.make_roma_tiny OUT [--seed 0 | --extend CHECKPOINT |
        --trained CHECKPOINT...]

The weights are random until they are trained (`make train-tiny`); only sizes, tokenizer and
settings are set here.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    WhisperFeatureExtractor,
)
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from roma_ros.models.new_words import add_words, spelled_words
from roma_ros.thinker import ContextPolicy, RomaConfig, RomaThinker, SpeakHead, Vocabulary
from roma_ros.thinker.features import FeatureExtractor
from roma_ros.thinker.qwen_omni import text_model
from roma_ros.training.curriculum import CAPTION_QUESTION, DICTATION_QUESTION
from roma_ros.world import (
    ANSWERS,
    ESC_10,
    NARRATION_INSTRUCTION,
    Colour,
    Plot,
    Shape,
    Sound,
    Split,
    captions,
    draw_alerts,
    draw_questions,
    make_scene,
    narrate,
    recorded_sentences,
    sight_sentences,
)

__all__ = ["main", "make_roma_tiny", "make_tokenizer", "mean_of", "world_vocabulary"]

WIDTH = 192
VOCABULARY = 1_024
MAX_PIXELS = 112 * 112  # 16 video tokens a unit: pictures of the synthetic world are small
SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|AUDIO|>",
    "<|audio_bos|>",
    "<|audio_eos|>",
    "<|vision_bos|>",
    "<|vision_eos|>",
    "<|vision_pad|>",
    "<|IMAGE|>",
    "<|VIDEO|>",
]
SYSTEM_PROMPT = "Watch and listen."  # short: every training sample starts with it
WORLDS = 400  # worlds whose sentences the tokenizer is trained on
VOCABULARY_WORLDS = 40  # enough for every word of the synthetic world to occur many times
TRAINED_CONTEXT_SECONDS = 20.0  # see bench/context_windows.json
TRAINED_CONTEXT_POLICY = ContextPolicy.HANDOVER.value


def sentences() -> Iterator[str]:
    """Yield the text that the tokenizer is trained on: prompts and all sentences of worlds."""
    yield "system\nuser\nassistant\n" * WORLDS
    yield SYSTEM_PROMPT * WORLDS
    yield NARRATION_INSTRUCTION * WORLDS
    yield f"{CAPTION_QUESTION}{DICTATION_QUESTION}" * WORLDS
    yield from world_sentences(WORLDS)


def world_sentences(worlds: int) -> Iterator[str]:
    """Yield instructions, questions, answers and narrations of a number of scenes."""
    for index in range(worlds):
        seed = Split.TRAIN.seed(index)
        scene = make_scene(seed, 12)
        for alert in draw_alerts(scene, 8):
            yield f"{alert.instruction}\n{alert.event.report}"
        for question in draw_questions(scene, 20):
            yield f"{question.text}\n{question.answer}"
        yield from captions(scene)
        yield from (segment.text for segment in narrate(make_scene(seed, 12, Plot.SEQUENCE)))


def new_sentences() -> Iterator[str]:
    """Yield the text on recorded sounds and sights, whose words `--extend` gives tokens."""
    yield from recorded_sentences()
    yield from sight_sentences()


def world_vocabulary() -> Vocabulary:
    """Return the content words of the synthetic world, on which `roma_tiny` is trained."""
    sounds = tuple(sound.value for sound in Sound)
    sights = (
        *("shape", *(shape.value for shape in Shape)),
        *("colour", *(colour.value for colour in Colour)),
    )
    # Recorded sounds and sights join when a checkpoint that was trained on them is embedded.
    recorded = {sound.value for sound in ESC_10}
    texts = [NARRATION_INSTRUCTION, CAPTION_QUESTION, DICTATION_QUESTION]
    texts += [answer for answer in ANSWERS if answer not in recorded]
    texts += world_sentences(VOCABULARY_WORLDS)
    things = Vocabulary(sounds=sounds, sights=sights)
    return Vocabulary(
        sounds=sounds,
        sights=sights,
        others=tuple(sorted(set(things.unknown(" ".join(texts))))),
    )


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer of 1,024 entries with Qwen2.5-Omni's special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=SPECIAL,
        clean_up_tokenization_spaces=False,
    )


def make_config(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5OmniThinkerConfig:
    """Return the config: every part of Qwen2.5-Omni's thinker, at small sizes."""
    token = tokenizer.convert_tokens_to_ids
    return Qwen2_5OmniThinkerConfig(
        text_config={
            "vocab_size": VOCABULARY,
            "hidden_size": WIDTH,
            "intermediate_size": 512,
            "num_hidden_layers": 6,
            "num_attention_heads": 6,
            "num_key_value_heads": 2,
            "max_position_embeddings": 8_192,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1_000_000.0,
                "mrope_section": [4, 6, 6],
            },
            "tie_word_embeddings": True,
        },
        vision_config={
            "depth": 3,
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_heads": 4,
            "fullatt_block_indexes": [2],
            "out_hidden_size": WIDTH,
        },
        audio_config={
            "d_model": 128,
            "encoder_layers": 3,
            "encoder_attention_heads": 4,
            "encoder_ffn_dim": 256,
            "output_dim": WIDTH,
        },
        tie_word_embeddings=True,
        audio_token_index=token("<|AUDIO|>"),
        image_token_index=token("<|IMAGE|>"),
        video_token_index=token("<|VIDEO|>"),
        audio_start_token_id=token("<|audio_bos|>"),
        audio_end_token_id=token("<|audio_eos|>"),
        vision_start_token_id=token("<|vision_bos|>"),
        vision_end_token_id=token("<|vision_eos|>"),
        user_token_id=token("<|im_start|>"),
    )


def fan_in_(module: nn.Module) -> None:
    """Scale weights by fan-in: transformers' 0.02 learns almost nothing at this width."""
    for part in module.modules():
        if isinstance(part, nn.Linear | nn.Conv1d | nn.Conv3d):
            nn.init.normal_(part.weight, std=1 / math.sqrt(part.weight[0].numel()))


def balance_(backbone: Qwen2_5OmniThinkerForConditionalGeneration) -> None:
    """Scale embeddings to the size of encoder features, and layers to small residual updates.

    Embeddings are the LM head's weights too, so the last norm is scaled down in turn.
    """
    nn.init.normal_(backbone.get_input_embeddings().weight, std=1.0)
    text = text_model(backbone)
    nn.init.constant_(text.norm.weight, 1 / math.sqrt(WIDTH))
    with torch.no_grad():
        for layer in text.layers:
            for part in (layer.self_attn.o_proj, layer.mlp.down_proj):
                part.weight /= math.sqrt(2 * len(text.layers))


def limits() -> dict[str, Any]:
    """Return the settings of a `RomaConfig` that limit what `roma_tiny` is used for."""
    return {
        "trained_context_seconds": TRAINED_CONTEXT_SECONDS,
        "trained_context_policy": TRAINED_CONTEXT_POLICY,
        "alert_replies": False,
        "vocabulary": world_vocabulary(),
    }


def make_roma_tiny(seed: int = 0) -> RomaThinker:
    """Return an untrained roma_tiny; the same seed gives the same weights."""
    torch.manual_seed(seed)
    tokenizer = make_tokenizer()
    backbone = Qwen2_5OmniThinkerForConditionalGeneration(make_config(tokenizer))
    head = SpeakHead(WIDTH)
    for part in (backbone, head):
        fan_in_(part)
    balance_(backbone)
    backbone.tie_weights()
    config = RomaConfig(system_prompt=SYSTEM_PROMPT, max_pixels=MAX_PIXELS, **limits())
    features = FeatureExtractor(
        Qwen2VLImageProcessorPil(),
        WhisperFeatureExtractor(feature_size=128),
        min_pixels=config.min_pixels,
        max_pixels=config.max_pixels,
    )
    return RomaThinker(
        backbone=backbone.eval(),
        tokenizer=tokenizer,
        features=features,
        config=config,
        speak_head=head.eval(),
        name="roma_tiny",
    )


def mean_of(checkpoints: Sequence[Path]) -> RomaThinker:
    """Return a thinker with the mean weights of checkpoints of the same training run.

    The mean can be better than each ("Model soups", Wortsman et al. 2022, arXiv 2203.05482).
    Tokenizer and settings are those of the first.

    Args:
        checkpoints: folders of at least one checkpoint.

    Raises:
        RuntimeError: the checkpoints have weights of different names or shapes.
    """
    first, *others = [RomaThinker.from_pretrained(folder, device="cpu") for folder in checkpoints]
    for name in ("backbone", "speak_head"):
        part = getattr(first, name)
        total = part.state_dict()
        for other in others:
            state = getattr(other, name).state_dict()
            total = {key: value + state[key] for key, value in total.items()}
        part.load_state_dict({key: value / len(checkpoints) for key, value in total.items()})
    return first


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--trained", type=Path, nargs="+", help="checkpoint to be embedded; of several, their mean"
    )
    parser.add_argument(
        "--extend", type=Path, help="checkpoint to copy, with a token for each new word of worlds"
    )
    arguments = parser.parse_args()
    if arguments.extend is not None:
        thinker = RomaThinker.from_pretrained(arguments.extend, device="cpu")
        words = spelled_words(thinker.tokenizer, new_sentences())
        what = f"{add_words(thinker, words)} new tokens for {len(words)} words"
    elif arguments.trained is None:
        thinker, what = make_roma_tiny(arguments.seed), f"untrained, seed {arguments.seed}"
    else:
        thinker, what = mean_of(arguments.trained), "trained"
        thinker.config = replace(thinker.config, **limits())
    thinker.backbone.to(torch.bfloat16)  # half the size; from_pretrained computes in float32
    thinker.save_pretrained(arguments.out)
    count = sum(value.numel() for value in thinker.backbone.parameters())
    print(f"{arguments.out}: {count / 1e6:.2f} M parameters, {what}")


if __name__ == "__main__":
    main()
