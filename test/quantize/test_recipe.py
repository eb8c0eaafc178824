"""Recipes: ours, the user's, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from roma_ros.quantize.errors import RecipeError
from roma_ros.quantize.recipe import BackboneKind, EncoderKind, HeadKind, Recipe, recipe_names


def test_ours_are_found_by_name() -> None:
    assert {"nf4", "int8", "gptq4", "onnx-int8"} <= set(recipe_names())
    assert Recipe.find("nf4") == Recipe(name="nf4", backbone=BackboneKind.NF4)
    mixed = Recipe.find("nf4-onnx-int8")
    assert (mixed.backbone, mixed.vision) == (BackboneKind.NF4, EncoderKind.ONNX_INT8)
    assert mixed.speak_head is HeadKind.ONNX
    assert mixed.as_dict()["audio"] == "onnx-int8"


def test_a_file_of_the_users_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("backbone: int8\nvision: onnx\n")
    assert Recipe.find(str(file)) == Recipe(
        name="mine", backbone=BackboneKind.INT8, vision=EncoderKind.ONNX
    )


def test_an_unknown_name() -> None:
    with pytest.raises(RecipeError, match="no recipe 'int3'; expected one of gptq4, int8"):
        Recipe.find("int3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("backbone: int3", "backbone: 'int3'; expected one of keep, nf4"),
        ("backbone: [nf4]", "expected one of keep, nf4"),
        ("spine: nf4", r"the keys \['spine'\]"),
        ("name: other", r"the keys \['name'\]"),
        ("nf4", "holds no keys"),
        ("a: [", "cannot be read as YAML"),
        ("backbone: !!python/object/apply:os.getcwd []", "cannot be read as YAML"),
        ("#" * 20_000, "expected at most 10,000"),
    ],
)
def test_what_is_no_recipe(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    with pytest.raises(RecipeError, match=message):
        Recipe.find(str(file))
