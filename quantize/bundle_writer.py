"""Writer of bundles: a bundle appears when it is complete, or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from roma_ros.machine import libraries
from roma_ros.quantize.calibration import clip_units, world_units
from roma_ros.quantize.encoders import write_audio, write_vision
from roma_ros.quantize.errors import BundleError, RecipeError
from roma_ros.quantize.gptq import check_gptq, fit_gptq
from roma_ros.quantize.lm_head import quantize_lm_head
from roma_ros.quantize.onnx_export import export_speak_head
from roma_ros.quantize.recipe import BackboneKind, EncoderKind, HeadKind, LmHeadKind, Recipe
from roma_ros.quantize.source import source_sha256, stored_dtype
from roma_ros.thinker import CheckpointError, RomaThinker
from roma_ros.thinker.bundle import (
    AUDIO_NAME,
    MANIFEST_NAME,
    ONNX_HEAD_NAME,
    VISION_NAME,
    BundleFile,
    Manifest,
    is_bundle,
)
from roma_ros.thinker.checkpoint import resolve_folder
from roma_ros.thinker.config import SYSTEM_PROMPT_NAME
from roma_ros.thinker.qwen_omni import AUDIO_TOWER, VISION_TOWER, remove_tower
from roma_ros.units import MultimodalUnit

__all__ = ["BundleSettings", "write_bundle"]

LIBRARIES = (
    *("roma_ros", "torch", "transformers", "bitsandbytes", "optimum", "gptqmodel"),
    *("onnx", "onnxruntime"),
)
CALIBRATION_UNITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleSettings:
    """Settings of a bundle.

    Attributes:
        model: checkpoint folder, or the name of an embedded checkpoint.
        recipe: how each part of the model is stored.
        system_prompt: first turn of every session; `None`: as in the checkpoint.
        clips: video or audio files to calibrate with; empty: synthetic streams.
        frame_size: width and height of the camera's frames in pixels, for a vision encoder in
            ONNX, which takes frames of one size only.
    """

    model: str
    recipe: Recipe
    system_prompt: str | None = None
    clips: tuple[Path, ...] = ()
    frame_size: tuple[int, int] = (640, 480)


def write_bundle(
    settings: BundleSettings, out: Path, *, on_step: Callable[[str], None] = lambda _: None
) -> Manifest:
    """Write a bundle. It appears at `out` when it is complete, and replaces an older one.

    Args:
        settings: checkpoint, recipe, and what else the bundle contains.
        out: folder to write; its parent must exist.
        on_step: called with the name of each step as it starts.

    Returns:
        The manifest of the bundle.

    Raises:
        BundleError: `out` exists and is no bundle, or cannot be written.
        RecipeError: the recipe does not fit the checkpoint, or a library for it is missing.
        CheckpointError: the checkpoint cannot be loaded, or is a bundle itself.
    """
    _check_out(out)
    folder = resolve_folder(settings.model)
    if is_bundle(folder):
        raise CheckpointError(f"{folder} is a bundle; expected the checkpoint that it was made of")
    if settings.recipe.backbone is BackboneKind.GPTQ4:
        check_gptq()
    with _draft_beside(out) as draft:
        on_step("loading the checkpoint")
        thinker = _load(folder, settings.recipe)
        if settings.recipe.backbone is BackboneKind.GPTQ4:
            on_step("calibrating the backbone (gptq4)")
            fit_gptq(thinker, _calibration(settings))
        _write_parts(thinker, settings, draft, on_step)
        on_step("hashing")
        manifest = replace(
            _manifest(folder, settings.recipe, draft), frame_size=_frame_size(thinker, settings)
        )
        manifest.write(draft)
        _publish(draft, out)
    return manifest


def _check_out(out: Path) -> None:
    if not out.absolute().parent.is_dir():
        raise BundleError(f"{out.absolute().parent} is not a folder; create it first")
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise BundleError(f"{out} is a file or a link; expected a folder. Give another name")
    if out.is_dir() and any(out.iterdir()):
        if not is_bundle(out):
            raise BundleError(
                f"{out} holds files that are no bundle; expected an empty folder or a bundle. Give "
                "another name, or empty it"
            )
        Manifest.read(out)  # raises if it is no manifest of ours


@contextmanager
def _draft_beside(out: Path) -> Iterator[Path]:
    """Open a draft folder on the same disk, to be renamed; it is removed if anything fails."""
    try:
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.absolute().parent))
    except OSError as error:
        raise BundleError(f"{out} cannot be written: {error}") from error
    try:
        draft.chmod(0o755)  # mkdtemp lets only the owner read
        yield draft
    except OSError as error:
        raise BundleError(f"{out} cannot be written: {error}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _publish(draft: Path, out: Path) -> None:
    if out.is_dir():
        old = draft.with_name(f"{draft.name}.old")
        out.rename(old)
        draft.rename(out)
        shutil.rmtree(old)
    else:
        draft.rename(out)


def _load(folder: Path, recipe: Recipe) -> RomaThinker:
    """Load the checkpoint on the CPU, in its own dtype. It must not run before it is saved."""
    by_bitsandbytes = recipe.backbone in (BackboneKind.NF4, BackboneKind.INT8)
    thinker = RomaThinker.from_pretrained(
        folder,
        device="cpu",
        dtype=stored_dtype(folder),
        quantization=recipe.backbone.value if by_bitsandbytes else "none",
    )
    if recipe.lm_head is LmHeadKind.LIKE_BACKBONE:
        quantize_lm_head(thinker, recipe.backbone)
    if recipe.speak_head is HeadKind.ONNX and thinker.speak_head is None:
        raise RecipeError(
            f"{folder} has no speak head; the recipe {recipe.name} expects one, to store in ONNX. "
            "Use a recipe with `speak_head: keep`"
        )
    return thinker


def _write_parts(
    thinker: RomaThinker, settings: BundleSettings, draft: Path, on_step: Callable[[str], None]
) -> None:
    recipe = settings.recipe
    if recipe.vision is not EncoderKind.KEEP:
        on_step(f"vision encoder ({recipe.vision.value})")
        write_vision(
            thinker,
            draft / VISION_NAME,
            grid=_grid(thinker, settings.frame_size),
            units=_calibration(settings) if recipe.vision is EncoderKind.ONNX_INT8 else None,
        )
        remove_tower(thinker.backbone, VISION_TOWER)
    if recipe.audio is not EncoderKind.KEEP:
        on_step(f"audio encoder ({recipe.audio.value})")
        write_audio(
            thinker,
            draft / AUDIO_NAME,
            units=_calibration(settings) if recipe.audio is EncoderKind.ONNX_INT8 else None,
        )
        remove_tower(thinker.backbone, AUDIO_TOWER)
    if recipe.speak_head is HeadKind.ONNX:
        on_step("speak head (onnx)")
        export_speak_head(thinker, draft / ONNX_HEAD_NAME)
        thinker.speak_head = None
    on_step(f"backbone ({recipe.backbone.value})")
    if settings.system_prompt is not None:
        (draft / SYSTEM_PROMPT_NAME).touch()  # `RomaConfig.save` fills it
        thinker.config = replace(thinker.config, system_prompt=settings.system_prompt)
    thinker.save_pretrained(draft)


def _calibration(settings: BundleSettings) -> Iterator[MultimodalUnit]:
    return clip_units(settings.clips) if settings.clips else world_units(CALIBRATION_UNITS)


def _grid(thinker: RomaThinker, frame_size: tuple[int, int]) -> tuple[int, int]:
    width, height = frame_size
    patches = thinker.features.video(np.zeros((2, height, width, 3), np.uint8))
    return patches.rows, patches.columns


def _frame_size(thinker: RomaThinker, settings: BundleSettings) -> tuple[int, int] | None:
    if settings.recipe.vision is EncoderKind.KEEP:
        return None
    patch = thinker.features.patch_size
    rows, columns = _grid(thinker, settings.frame_size)
    return columns * patch, rows * patch


def _manifest(source: Path, recipe: Recipe, draft: Path) -> Manifest:
    return Manifest(
        source=source.name,
        source_sha256=source_sha256(source),
        recipe=recipe.as_dict(),
        versions=libraries(LIBRARIES),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        files={
            path.name: BundleFile.of(path)
            for path in sorted(draft.iterdir())
            if path.name != MANIFEST_NAME
        },
    )
