"""The public entry to a checkpoint: load it, open sessions on it, save it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from roma_ros.thinker.bundle import check_bundle, is_bundle
from roma_ros.thinker.checkpoint import (
    SPEAK_HEAD_NAME,
    load_backbone,
    load_speak_head,
    load_tokenizer,
    resolve_folder,
)
from roma_ros.thinker.config import RomaConfig
from roma_ros.thinker.errors import CheckpointError, ThinkerError
from roma_ros.thinker.features import FeatureExtractor
from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.onnx_overrides import OnnxOverrides
from roma_ros.thinker.placement import resolve_device, resolve_dtype
from roma_ros.thinker.quantization import Quantization, check_saveable
from roma_ros.thinker.session import StreamSession
from roma_ros.thinker.speak_source import SpeakSource
from roma_ros.thinker.vocabulary import needs_picture, needs_sound

__all__ = ["RomaThinker"]


class RomaThinker(ThinkerModel):
    """Qwen2.5-Omni thinker with a speak head, loaded from a checkpoint or a bundle.

    Holds weights only: `open_session` creates the state of one stream. Any number of sessions can
    share one thinker. Not thread-safe.
    """

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        quantization: str = "none",
        speak_source: str = "auto",
    ) -> RomaThinker:
        """Load a Qwen2.5-Omni thinker folder, with or without a speak head, or a bundle.

        Args:
            model: folder with config.json, safetensors (sharded or not) and a tokenizer, of a
                thinker or of a full Omni checkpoint; or a bundle that `roma quantize` has made,
                whose every file is compared with its manifest first; or the name of an embedded
                checkpoint: `roma_tiny`.
            device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`.
            dtype: `auto` (bfloat16 on CUDA, float32 on CPU), or a name such as `float16`.
            quantization: `none`, `nf4` or `int8`, of the backbone, at load (bitsandbytes); `none`
                for a bundle, which is loaded as it is stored.
            speak_source: what decides when to speak: `auto` (what the checkpoint says, or else
                its speak head, if it has one), `head`, `state_token` or `yes_no`: `SpeakSource`.

        Raises:
            CheckpointError: the folder, its weights, tokenizer or speak head do not serve; a
                bundle is not what its manifest says; or a quantised kind does not run here.
            ValueError: an unknown device, dtype or quantization.
        """
        folder = resolve_folder(model)
        place = resolve_device(device)
        kind = resolve_dtype(dtype, place)
        how = Quantization(quantization)
        try:
            return cls._load(folder, place, kind, how, speak_source)
        except (ThinkerError, ImportError, MemoryError):
            raise
        except Exception as error:  # whatever a library says to a damaged file
            raise CheckpointError(
                f"{folder} cannot be loaded: {type(error).__name__}: {str(error)[:500]}"
            ) from error

    @classmethod
    def _load(
        cls,
        folder: Path,
        place: torch.device,
        kind: torch.dtype,
        quantization: Quantization,
        speak_source: str,
    ) -> RomaThinker:
        onnx_overrides = OnnxOverrides()
        if is_bundle(folder):
            check_bundle(folder)
            onnx_overrides = OnnxOverrides.from_folder(folder)
        config = RomaConfig.from_folder(folder)
        if speak_source != "auto":
            config = replace(config, speak_source=speak_source)
        tokenizer = load_tokenizer(folder)
        backbone = load_backbone(
            folder,
            device=place,
            dtype=kind,
            quantization=quantization,
            without=onnx_overrides.towers,
        )
        thinker_config = backbone.config
        layers = thinker_config.text_config.num_hidden_layers
        if any(not -layers - 1 <= number <= layers for number in config.speak_layer_ids):
            raise CheckpointError(
                f"speak_layer_ids {config.speak_layer_ids} do not exist in {layers} layers"
            )
        head = load_speak_head(folder, config, thinker_config.text_config.hidden_size)
        if speak_source == SpeakSource.HEAD.value and not (head or onnx_overrides.speak_head):
            raise CheckpointError(
                f"speak_source is head, and {folder} has no speak head; "
                "use yes_no, or a checkpoint that has one"
            )
        return cls(
            backbone=backbone,
            tokenizer=tokenizer,
            features=FeatureExtractor.from_folder(
                folder,
                mel_bins=thinker_config.audio_config.num_mel_bins,
                min_pixels=config.min_pixels,
                max_pixels=config.max_pixels,
            ),
            config=config,
            speak_head=None if head is None else head.to(place),
            onnx_overrides=onnx_overrides,
            name=folder.name,
        )

    def context_warning(self, context_seconds: float | None) -> str:
        """Say that a window is longer than the checkpoint was trained for; empty if it is not."""
        trained = self.config.trained_context_seconds
        if context_seconds is None or trained is None or context_seconds <= trained:
            return ""
        return (
            f"context_seconds is {context_seconds:g}, and {self.name} was trained for windows of "
            f"at most {trained:g} s: it misses more, and says more that is wrong, beyond that"
        )

    def text_warning(self, text: str, *, has_video: bool = True, has_audio: bool = True) -> str:
        """Say what of an instruction or question the checkpoint cannot know, see or hear.

        Args:
            text: the instruction or question.
            has_video, has_audio: what the stream has.

        Returns:
            A sentence for each, joined by semicolons; empty if there is nothing to say.
        """
        vocabulary = self.config.vocabulary
        found = [] if vocabulary is None else [vocabulary.warning(text, self.name)]
        subject = repr(text.strip()[:60])
        if not has_audio and needs_sound(text, vocabulary):
            found.append(f"{subject} needs sound, and the stream has none")
        if not has_video and needs_picture(text, vocabulary):
            found.append(f"{subject} needs a picture, and the stream has none")
        return "; ".join(filter(None, found))

    def open_session(
        self,
        instruction: str | None = None,
        *,
        context_seconds: float | None = None,
        spoken: npt.NDArray[np.float32] | None = None,
        yes_no_question: str | None = None,
    ) -> StreamSession:
        """Open the state of one stream under one instruction; close it, or use it in `with`.

        Args:
            instruction: what to watch for; `None` for a stream that is only asked questions.
            context_seconds: how many seconds of units stay in sight beside the opening turns;
                `None`: as many as the checkpoint was trained for.
            spoken: the instruction as sound, (n,) mono at 16 kHz: it is laid over the first units
                and not written. `None`: a checkpoint that takes spoken instructions has it read
                out by espeak-ng.
            yes_no_question: what is asked after each unit where `yes_no` decides; `None`: whether
                the instruction's condition holds now.

        Raises:
            ContextError: the instruction or the context is longer than the backbone's range.
            SpeechError: the instruction is to be read out, and espeak-ng is missing.
            UnitShapeError: `spoken` is no sound of at most 90 s.
        """
        return StreamSession(
            self,
            instruction,
            context_seconds=context_seconds,
            spoken=spoken,
            yes_no_question=yes_no_question,
        )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the checkpoint as `from_pretrained` reads it, and transformers too.

        Raises:
            CheckpointError: parts of it are ONNX files, or it has NF4 weights that have been run
                on this CPU, which cannot be saved as they were.
        """
        if self.onnx_overrides != OnnxOverrides():
            raise CheckpointError(f"{self.name} is a bundle with ONNX parts; copy its folder")
        check_saveable(self.backbone)
        folder = Path(folder)
        self.backbone.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        self.features.save_pretrained(folder)
        self.config.save(folder)
        if self.speak_head is not None:
            state = {
                name: value.contiguous() for name, value in self.speak_head.state_dict().items()
            }
            save_file(state, folder / SPEAK_HEAD_NAME)
