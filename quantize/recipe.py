"""Recipes: how each part of a model is stored in a bundle, read from YAML."""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml

from roma_ros.quantize.errors import RecipeError

__all__ = ["BackboneKind", "EncoderKind", "HeadKind", "LmHeadKind", "Recipe", "recipe_names"]

MAX_BYTES = 10_000  # a recipe is a few lines


class BackboneKind(enum.Enum):
    """Storage of the backbone's linear layers. Embeddings are never changed."""

    KEEP = "keep"
    NF4 = "nf4"
    INT8 = "int8"
    GPTQ4 = "gptq4"


class LmHeadKind(enum.Enum):
    """Storage of the LM head."""

    KEEP = "keep"
    LIKE_BACKBONE = "like_backbone"


class EncoderKind(enum.Enum):
    """Storage of the vision or the audio encoder."""

    KEEP = "keep"
    ONNX = "onnx"
    ONNX_INT8 = "onnx-int8"


class HeadKind(enum.Enum):
    """Storage of the speak head."""

    KEEP = "keep"
    ONNX = "onnx"


Kind = TypeVar("Kind", bound=enum.Enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Storage of each part of a model; `keep` stores it as in the checkpoint, for torch.

    Attributes:
        name: of the file, without `.yaml`.
    """

    name: str
    backbone: BackboneKind = BackboneKind.KEEP
    lm_head: LmHeadKind = LmHeadKind.KEEP
    vision: EncoderKind = EncoderKind.KEEP
    audio: EncoderKind = EncoderKind.KEEP
    speak_head: HeadKind = HeadKind.KEEP

    @classmethod
    def find(cls, name_or_path: str) -> Recipe:
        """Return a recipe of the package by its name, or read a `.yaml` file.

        Args:
            name_or_path: a name of `recipe_names`, or the path of a .yaml or .yml file.

        Raises:
            RecipeError: there is no such recipe, or it is invalid.
        """
        if name_or_path.endswith((".yaml", ".yml")):
            return cls.read(Path(name_or_path).expanduser())
        if name_or_path not in recipe_names():
            raise RecipeError(
                f"no recipe {name_or_path!r}; expected one of {', '.join(recipe_names())}, or the "
                "path of a .yaml file"
            )
        return cls.read(_folder() / f"{name_or_path}.yaml")

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a YAML file.

        Raises:
            RecipeError: it cannot be read, or has an unknown key or value.
        """
        try:
            if (size := path.stat().st_size) > MAX_BYTES:
                raise RecipeError(f"{path} has {size:,} bytes; expected at most {MAX_BYTES:,}")
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise RecipeError(f"{path} cannot be read as YAML: {error}") from error
        if not isinstance(values, dict):
            raise RecipeError(f"{path} holds no keys; expected lines such as `backbone: nf4`")
        known = [field.name for field in fields(cls) if field.name != "name"]
        if unknown := [key for key in values if key not in known]:
            raise RecipeError(f"{path} has the keys {unknown}; expected only {known}")
        return cls(
            name=path.stem,
            backbone=_kind(path, values, "backbone", BackboneKind),
            lm_head=_kind(path, values, "lm_head", LmHeadKind),
            vision=_kind(path, values, "vision", EncoderKind),
            audio=_kind(path, values, "audio", EncoderKind),
            speak_head=_kind(path, values, "speak_head", HeadKind),
        )

    def as_dict(self) -> dict[str, str]:
        """Return the recipe as in its file, with its name."""
        return {
            "name": self.name,
            "backbone": self.backbone.value,
            "lm_head": self.lm_head.value,
            "vision": self.vision.value,
            "audio": self.audio.value,
            "speak_head": self.speak_head.value,
        }


def recipe_names() -> list[str]:
    """Return the names of the package's recipes."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def _folder() -> Path:
    return Path(str(files("roma_ros.quantize"))) / "recipes"


def _kind(path: Path, values: dict[str, Any], key: str, kinds: type[Kind]) -> Kind:
    value = values.get(key, "keep")
    try:
        return kinds(value)
    except ValueError as error:
        known = ", ".join(str(kind.value) for kind in kinds)
        raise RecipeError(f"{path} has {key}: {value!r}; expected one of {known}") from error
