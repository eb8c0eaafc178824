"""The embedded checkpoint's recipe, and the checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import roma_ros.models
from roma_ros.models.make_roma_tiny import (
    SPECIAL,
    limits,
    make_roma_tiny,
    make_tokenizer,
    mean_of,
    world_sentences,
    world_vocabulary,
)
from roma_ros.thinker import RomaConfig, RomaThinker, SpeakHead
from roma_ros.thinker.qwen_omni import text_model

pytestmark = pytest.mark.slow

FOLDER = Path(roma_ros.models.__file__).parent / "roma_tiny"


def test_the_same_seed_makes_the_same_weights() -> None:
    one, two, other = make_roma_tiny(0), make_roma_tiny(0), make_roma_tiny(1)
    for name, value in one.backbone.state_dict().items():
        assert torch.equal(value, two.backbone.state_dict()[name])
    weight = "layers.0.mlp.up_proj.weight"
    first, second = (text_model(thinker.backbone).state_dict()[weight] for thinker in (one, other))
    assert not torch.equal(first, second)


def test_a_mean_of_checkpoints_is_half_way_between_them(tmp_path: Path) -> None:
    made = [make_roma_tiny(seed) for seed in (0, 1)]
    for number, thinker in enumerate(made):
        thinker.save_pretrained(tmp_path / str(number))
    mean = mean_of([tmp_path / "0", tmp_path / "1"])
    for part in ("backbone", "speak_head"):
        one, other = (getattr(thinker, part).state_dict() for thinker in made)
        for name, value in getattr(mean, part).state_dict().items():
            torch.testing.assert_close(value, (one[name] + other[name]) / 2)
    assert mean.has_speak_source


def test_checkpoints_of_different_shapes_have_no_mean(tmp_path: Path) -> None:
    small, other = make_roma_tiny(0), make_roma_tiny(0)
    other.speak_head = SpeakHead(other.backbone.config.text_config.hidden_size, 2)
    other.config = replace(other.config, speak_layer_ids=(-2, -1))
    small.save_pretrained(tmp_path / "0")
    other.save_pretrained(tmp_path / "1")
    with pytest.raises(RuntimeError, match="size"):
        mean_of([tmp_path / "0", tmp_path / "1"])


def test_the_embedded_checkpoint_is_the_real_architecture_in_small() -> None:
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    config = thinker.backbone.config
    assert type(thinker.backbone).__name__ == "Qwen2_5OmniThinkerForConditionalGeneration"
    assert 192 <= config.text_config.hidden_size <= 256
    assert 6 <= config.text_config.num_hidden_layers <= 8
    assert 2 <= config.vision_config.depth <= 4
    assert 3 <= config.audio_config.encoder_layers <= 4
    assert 1e6 < sum(value.numel() for value in thinker.backbone.parameters()) < 1e7
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 25e6
    suffixes = {file.suffix for file in FOLDER.iterdir()}
    assert suffixes - {".md"} == {".json", ".safetensors"}  # .md: the model card
    assert thinker.has_speak_source


def test_the_tokenizer_has_qwens_markers_and_takes_any_text() -> None:
    tokenizer = make_tokenizer()
    ids = tokenizer.encode("".join(SPECIAL), add_special_tokens=False)
    assert tokenizer.convert_ids_to_tokens(ids) == SPECIAL
    text = "alert me when a red circle appears — Überraschung 你好 🤖"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    assert len(tokenizer.encode("a red circle appears", add_special_tokens=False)) <= 6


def test_the_embedded_checkpoint_says_what_it_was_trained_for() -> None:
    config = RomaConfig.from_folder(FOLDER)
    assert config.vocabulary == world_vocabulary()
    assert {name: getattr(config, name) for name in limits()} == limits()


def test_the_vocabulary_holds_every_word_of_the_world() -> None:
    vocabulary = world_vocabulary()
    assert {text for text in world_sentences(100) if vocabulary.unknown(text)} == set()
    assert vocabulary.unknown("a dog barks") == ("dog", "barks")
    assert set(vocabulary.sounds) == {"beep", "tone", "burst", "knock", "word"}
    assert len(vocabulary.words) < 60
