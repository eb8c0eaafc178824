"""Check of `preprocessor_config.json`: the preprocessing of frames and sound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from roma_ros.thinker.checkpoint_check.files import is_there, read_json
from roma_ros.thinker.checkpoint_check.limits import (
    Choice,
    Count,
    Flag,
    Limit,
    ListOf,
    MaybeNull,
    Number,
    checked,
)
from roma_ros.thinker.errors import CheckpointError

__all__ = ["IMAGE_SETTINGS", "SOUND_SETTINGS", "read_preprocessor"]

NAME, WHOLE = "preprocessor_config.json", "processor_config.json"
# OpenAI's CLIP has means near 0.45 and deviations near 0.27.
IMAGE_SETTINGS: dict[str, Limit] = {
    "patch_size": Count(2, 64),
    "temporal_patch_size": Choice(2),
    "merge_size": Count(1, 8),
    "image_mean": ListOf(Number(-1, 1), 3, 3),
    "image_std": ListOf(Number(0.01, 10), 3, 3),
}
SOUND_SETTINGS: dict[str, Limit] = {
    "feature_size": Count(1, 512),
    "sampling_rate": Choice(16_000),
    "hop_length": Choice(160),
    "n_fft": Choice(400),
    "chunk_length": Count(1, 3600),
    "dither": Choice(0.0, 0),
}
CHECKED: dict[str, Limit] = {
    **IMAGE_SETTINGS,
    **SOUND_SETTINGS,
    "do_rescale": MaybeNull(Choice(True)),
    "do_normalize": MaybeNull(Choice(True)),
    "do_resize": MaybeNull(Flag()),
    "do_convert_rgb": MaybeNull(Flag()),
    "rescale_factor": MaybeNull(Number(1 / 255.1, 1 / 254.9)),
    "resample": MaybeNull(Choice(3)),
    "padding_value": MaybeNull(Number(-1e6, 1e6)),
    "return_attention_mask": MaybeNull(Flag()),
}


def read_preprocessor(
    folder: Path, *, mel_bins: int, patch_size: int | None = None, merge_size: int | None = None
) -> dict[str, Any]:
    """Return the settings of `IMAGE_SETTINGS` and `SOUND_SETTINGS` that a folder gives.

    transformers keeps them in `preprocessor_config.json`, or since version 5 in two parts of
    `processor_config.json`. A folder may have neither.

    Args:
        mel_bins: of the audio encoder.
        patch_size, merge_size: of the vision encoder, in pixels and patches; `None`: any.

    Raises:
        CheckpointError: a value is of another type, out of bounds, or does not fit the encoders.
    """
    file, values = folder / NAME, {}
    if is_there(file):
        values = checked(file, "", read_json(file), CHECKED)
    elif is_there(file := folder / WHOLE):
        whole = read_json(file)
        for part in ("image_processor", "feature_extractor"):
            if isinstance(whole, dict) and whole.get(part) is not None:
                values.update(checked(file, part, whole[part], CHECKED))
    for name, expected, what in (
        ("feature_size", mel_bins, "mel bins of the audio encoder"),
        ("patch_size", patch_size, "pixels of the vision encoder's patches"),
        ("merge_size", merge_size, "patches that the vision encoder merges"),
    ):
        if expected is not None and values.get(name, expected) != expected:
            raise CheckpointError(
                f"{file}: {name} is {values[name]}; expected {expected}, the {what} by "
                "config.json. Copy the checkpoint's files again"
            )
    known = {**IMAGE_SETTINGS, **SOUND_SETTINGS}
    return {name: value for name, value in values.items() if name in known}
