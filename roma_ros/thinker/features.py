"""Encoder input of a unit: patches and log-mel frames, as transformers' processors make them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import WhisperFeatureExtractor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import (
    Qwen2VLImageProcessorPil,
    smart_resize,
)

from roma_ros.thinker.checkpoint_check.preprocessor import (
    IMAGE_SETTINGS,
    SOUND_SETTINGS,
    read_preprocessor,
)
from roma_ros.thinker.errors import UnitShapeError

__all__ = ["FeatureExtractor", "VideoPatches", "resize"]

SAMPLES_PER_UNIT = 16_000
MEL_FRAMES_PER_UNIT = 100


@dataclass(frozen=True, slots=True)
class VideoPatches:
    """Patches of two frames, which are one step of the temporal axis.

    Attributes:
        pixels: (rows * columns, channels * 2 * patch * patch) float32, normalised, in the order
            of Qwen2-VL's image processor: merge blocks by rows, patches within them by rows.
        rows, columns: number of patches along the height and width of a frame.
    """

    pixels: npt.NDArray[np.float32]
    rows: int
    columns: int


class FeatureExtractor:
    """Extractor of the patches of a unit's frames and the log-mel frames of its audio.

    Args:
        images: transformers' Qwen2-VL image processor, for patch sizes and normalisation.
        audio: transformers' Whisper feature extractor, with the checkpoint's number of mel bins.
        min_pixels, max_pixels: smallest and largest area of a resized frame, in pixels.

    Attributes:
        patch_size: pixels along the side of a patch.
        merge_size: patches along the side of the square that becomes one video token.
    """

    def __init__(
        self,
        images: Qwen2VLImageProcessorPil,
        audio: WhisperFeatureExtractor,
        *,
        min_pixels: int,
        max_pixels: int,
    ) -> None:
        self._images, self._audio = images, audio
        self.patch_size = int(images.patch_size)
        self.merge_size = int(images.merge_size)
        self.min_pixels, self.max_pixels = min_pixels, max_pixels
        mean = np.asarray(images.image_mean, np.float32)
        std = np.asarray(images.image_std, np.float32)
        self._scale = 1 / (255 * std)
        self._shift = -mean / std

    @classmethod
    def from_folder(
        cls, folder: Path, *, mel_bins: int, min_pixels: int, max_pixels: int
    ) -> FeatureExtractor:
        """Build the processors by `preprocessor_config.json`; without it, by Qwen2.5-Omni's.

        Args:
            folder: folder of the checkpoint.
            mel_bins: mel bins that the audio encoder takes.
            min_pixels, max_pixels: smallest and largest area of a resized frame, in pixels.

        Raises:
            CheckpointError: the file is damaged, or does not fit the audio encoder.
        """
        settings = read_preprocessor(folder, mel_bins=mel_bins)
        sound = {name: settings[name] for name in SOUND_SETTINGS if name in settings}
        return cls(
            Qwen2VLImageProcessorPil(
                **{name: settings[name] for name in IMAGE_SETTINGS if name in settings}
            ),
            WhisperFeatureExtractor(**{**sound, "feature_size": mel_bins}),
            min_pixels=min_pixels,
            max_pixels=max_pixels,
        )

    def video(self, frames: npt.NDArray[np.uint8]) -> VideoPatches:
        """Resize and patchify the two frames of a unit.

        Args:
            frames: (2, height, width, 3) uint8 RGB.

        Raises:
            UnitShapeError: the frames have another shape or dtype, or sides in a ratio above 200.
        """
        if frames.ndim != 4 or frames.shape[0] != 2 or frames.shape[3] != 3 or not frames.size:
            raise UnitShapeError(f"frames have shape {frames.shape}; expected (2, H, W, 3)")
        if frames.dtype != np.uint8:
            raise UnitShapeError(f"frames are {frames.dtype}; expected uint8 RGB")
        height, width = self._resized(*frames.shape[1:3])
        resized = resize(frames, height, width)
        return self._patchify(resized.astype(np.float32) * self._scale + self._shift)

    def audio(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Compute the log-mel frames of one second of audio.

        Args:
            samples: (16000,) float32 mono at 16 kHz, in [-1, 1].

        Returns:
            (mel bins, 100) float32.

        Raises:
            UnitShapeError: the audio has another shape, or samples that are not finite.
        """
        if samples.shape != (SAMPLES_PER_UNIT,):
            raise UnitShapeError(f"audio has shape {samples.shape}; expected (16000,) at 16 kHz")
        if not np.isfinite(samples).all():
            raise UnitShapeError("audio has NaN or infinite samples; expected values in [-1, 1]")
        extracted: Any = self._audio(
            samples, sampling_rate=SAMPLES_PER_UNIT, padding="do_not_pad", return_tensors="np"
        )
        mel: npt.NDArray[np.float32] = extracted["input_features"][0]
        return mel

    def save_pretrained(self, folder: Path) -> None:
        """Write the settings of both processors to `preprocessor_config.json` in `folder`."""
        both = {**self._images.to_dict(), **self._audio.to_dict()}
        both.pop("mel_filters", None)
        for kind in ("image_processor_type", "feature_extractor_type", "processor_class"):
            both.pop(kind, None)
        text = json.dumps(both, indent=2, sort_keys=True)
        (folder / "preprocessor_config.json").write_text(text + "\n", encoding="utf-8")

    def grid(self, height: int, width: int) -> tuple[int, int]:
        """Return the rows and columns of patches of a frame, after resizing.

        Args:
            height, width: size of the frame in pixels.

        Raises:
            UnitShapeError: the sides are in a ratio above 200.
        """
        rows, columns = self._resized(height, width)
        return rows // self.patch_size, columns // self.patch_size

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        try:
            size: tuple[int, int] = smart_resize(
                height,
                width,
                factor=self.patch_size * self.merge_size,
                min_pixels=self.min_pixels,
                max_pixels=self.max_pixels,
            )
        except ValueError as error:
            raise UnitShapeError(
                f"a frame of {height} x {width} pixels cannot be resized: {error}"
            ) from error
        return size

    def _patchify(self, frames: npt.NDArray[np.float32]) -> VideoPatches:
        times, height, width, channels = frames.shape
        patch, merge = self.patch_size, self.merge_size
        rows, columns = height // patch, width // patch
        blocks = frames.reshape(
            times, rows // merge, merge, patch, columns // merge, merge, patch, channels
        )
        ordered = blocks.transpose(1, 4, 2, 5, 7, 0, 3, 6)  # blocks, patches, then C, T, y, x
        return VideoPatches(ordered.reshape(rows * columns, -1), rows, columns)


def resize(frames: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Resize frames by antialiased bicubic interpolation, in 8-bit integers.

    Training and inference use this function. Pillow, which transformers' processor uses, gives the
    same values up to rounding: fewer than 2 % of them differ, by 1 level of 255 or, rarely, 2. It
    takes about ten times as long.

    Args:
        frames: (n, H, W, 3) uint8.
        height, width: size of the result in pixels.

    Returns:
        (n, height, width, 3) uint8.
    """
    if frames.shape[1:3] == (height, width):
        return frames
    # torch takes neither negative strides nor, without a warning, arrays that are read-only.
    images = torch.from_numpy(np.require(frames, requirements=["C", "W"])).permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(
        images, size=(height, width), mode="bicubic", antialias=True
    )
    array: npt.NDArray[np.uint8] = resized.permute(0, 2, 3, 1).numpy()
    return array
