import json

import pytest

from roma_ros.planning import MODEL_NAMES, ModelShape, PlanningError, read_model_config


@pytest.mark.parametrize("name", ["3b", "7b", "roma_tiny"])
def test_every_parameter_of_transformers_own_model_is_counted(name):
    import torch
    from transformers import (
        Qwen2_5OmniThinkerConfig,
        Qwen2_5OmniThinkerForConditionalGeneration,
    )

    from roma_ros.thinker.qwen_omni import released_name

    with torch.device("meta"):  # sizes without memory
        config = Qwen2_5OmniThinkerConfig.from_dict(read_model_config(name))
        model = Qwen2_5OmniThinkerForConditionalGeneration(config)
    counts = {released_name(key): value.numel() for key, value in model.named_parameters()}
    shape = ModelShape.named(name)
    if shape.text.tied:
        counts.pop("lm_head.weight", None)
    assert shape.parameters == sum(counts.values())
    for part, counted in (("visual.", shape.vision), ("audio_tower.", shape.audio)):
        assert counted.parameters == sum(n for key, n in counts.items() if key.startswith(part))
    assert shape.text.embedding == counts["model.embed_tokens.weight"]


def test_the_7b_weighs_what_the_released_one_does():
    """The thinker's bfloat16 weights are about 16.7 GiB: /shared/reference/roma-public-code.md."""
    assert 2 * ModelShape.named("7b").parameters / 2**30 == pytest.approx(16.7, abs=0.1)


def test_long_and_short_names_are_one_model():
    assert ModelShape.named("3b") == ModelShape.named("qwen2.5-omni-3b")


def test_a_full_omni_checkpoint_is_read_by_its_thinker(tmp_path):
    config = {"model_type": "qwen2_5_omni", "thinker_config": read_model_config("7b")}
    (tmp_path / "config.json").write_text(json.dumps(config))
    shape = ModelShape.named(str(tmp_path))
    assert shape.parameters == ModelShape.named("7b").parameters
    assert shape.name == tmp_path.name


def test_an_unknown_model_is_refused_with_the_known_ones():
    with pytest.raises(PlanningError, match=MODEL_NAMES[0]):
        ModelShape.named("13b")


@pytest.mark.parametrize("text", ["", "[]", '{"text_config": {}}', '{"text_config": 1}'])
def test_a_config_of_something_else_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(PlanningError):
        ModelShape.named(str(tmp_path))
