"""The public entry to a checkpoint: load it, open sessions on it, save it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file

from roma_ros.thinker.bundle import is_bundle
from roma_ros.thinker.checkpoint import (
    SPEAK_HEAD_NAME,
    load_backbone,
    load_speak_head,
    load_tokenizer,
    resolve_folder,
)
from roma_ros.thinker.checkpoint_check.checkpoint import check_checkpoint
from roma_ros.thinker.checkpoint_check.files import shown
from roma_ros.thinker.checkpoint_check.finite import check_finite
from roma_ros.thinker.checkpoint_check.trial import process_trial_unit
from roma_ros.thinker.context_policy import ContextPolicy
from roma_ros.thinker.errors import CheckpointError, ThinkerError
from roma_ros.thinker.features import FeatureExtractor
from roma_ros.thinker.model import ThinkerModel
from roma_ros.thinker.onnx_overrides import OnnxOverrides
from roma_ros.thinker.placement import resolve_device, resolve_dtype
from roma_ros.thinker.quantization import Quantization, check_saveable, has_nf4
from roma_ros.thinker.session import StreamSession
from roma_ros.thinker.speak_source import SpeakSource
from roma_ros.thinker.vocabulary import needs_audio, needs_video

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
        optimized: bool = True,
    ) -> RomaThinker:
        """Load a Qwen2.5-Omni thinker from a folder; nothing is downloaded.

        Args:
            model: path of a folder with config.json, safetensors weights (sharded or not) and a
                tokenizer, of a thinker or of a full Omni checkpoint; or path of a bundle made by
                `roma quantize`, whose files are compared with its manifest first; or the name of
                an embedded checkpoint: `roma_tiny`.
            device: `auto` (CUDA if available, else CPU), `cpu`, `cuda` or `cuda:N`.
            dtype: dtype of weights and computation: `auto` (bfloat16 on CUDA, float32 on CPU),
                `float32`, `bfloat16` or `float16`.
            quantization: `none`, `nf4` or `int8`: quantise the backbone's linear layers while
                loading, by bitsandbytes. A bundle keeps its stored format and needs `none`.
            speak_source: where p(speak) comes from: `auto` (the source that the checkpoint's
                config names; the speak head by default), `head`, `state_token` or `yes_no`; see
                `SpeakSource`.
            optimized: false: run transformers' modules as they are, to compare results and speed;
                see `ThinkerModel`.

        Raises:
            CheckpointError: the folder or a file in it is missing, damaged or does not fit the
                others; a bundle differs from its manifest; or its quantisation does not run on
                the device.
            ValueError: `device`, `dtype` or `quantization` has an unknown value.
        """
        folder = resolve_folder(model)
        torch_device = resolve_device(device)
        torch_dtype = resolve_dtype(dtype, torch_device)
        kind = Quantization(quantization)
        try:
            return cls._load(folder, torch_device, torch_dtype, kind, speak_source, optimized)
        except CheckpointError as error:
            if str(folder) in str(error):
                raise
            raise CheckpointError(f"{folder}: {error}") from error
        except (ThinkerError, ImportError, MemoryError):
            raise
        except Exception as error:  # libraries raise errors of any type for a damaged file
            raise CheckpointError(
                f"{folder} cannot be loaded: {type(error).__name__}: {shown(error, 500)}"
            ) from error

    @classmethod
    def _load(
        cls,
        folder: Path,
        device: torch.device,
        dtype: torch.dtype,
        quantization: Quantization,
        speak_source: str,
        optimized: bool,
    ) -> RomaThinker:
        checked = check_checkpoint(folder)
        onnx_overrides = OnnxOverrides.from_folder(folder) if is_bundle(folder) else OnnxOverrides()
        config = checked.roma_config
        if speak_source != "auto":
            config = replace(config, speak_source=speak_source)
        tokenizer = load_tokenizer(folder, checked.config)
        backbone = load_backbone(
            checked,
            device=device,
            dtype=dtype,
            quantization=quantization,
            without=onnx_overrides.towers,
        )
        thinker_config = backbone.config
        head = load_speak_head(folder, config, thinker_config.text_config.hidden_size)
        if speak_source == SpeakSource.HEAD.value and not (head or onnx_overrides.speak_head):
            raise CheckpointError(
                f"speak_source is head, and {folder} has no speak head; "
                "use yes_no, or a checkpoint that has one"
            )
        thinker = cls(
            backbone=backbone,
            tokenizer=tokenizer,
            features=FeatureExtractor.from_folder(
                folder,
                mel_bins=thinker_config.audio_config.num_mel_bins,
                min_pixels=config.min_pixels,
                max_pixels=config.max_pixels,
            ),
            config=config,
            speak_head=None if head is None else head.to(device),
            onnx_overrides=onnx_overrides,
            name=folder.name,
            optimized=optimized,
        )
        check_finite(folder, backbone)
        if thinker.speak_head is not None:
            check_finite(folder, thinker.speak_head, "speak_head.")
        # A CPU packs 4-bit weights anew at their first call, and they could not be saved then.
        is_packed = device.type == "cpu" and has_nf4(backbone)
        process_trial_unit(thinker, backbone=not is_packed)
        return thinker

    def context_warning(self, context_seconds: float | None) -> str:
        """Return a warning if a window is longer than the checkpoint was trained for, else "".

        Args:
            context_seconds: length of the window in seconds; `None` for the default.
        """
        trained = self.config.trained_context_seconds
        if context_seconds is None or trained is None or context_seconds <= trained:
            return ""
        return (
            f"context_seconds is {context_seconds:g}, and {self.name} was trained for windows of "
            f"at most {trained:g} s: beyond that it misses more events and raises more false alerts"
        )

    def text_warning(self, text: str, *, has_video: bool = True, has_audio: bool = True) -> str:
        """Return a warning if the checkpoint cannot serve an instruction or question, else "".

        The text may use words that the checkpoint was not trained on (`RomaConfig.vocabulary`),
        or need a modality that the stream lacks.

        Args:
            text: instruction or question.
            has_video, has_audio: whether the stream has video and audio.

        Returns:
            All reasons, joined by semicolons.
        """
        vocabulary = self.config.vocabulary
        found = [] if vocabulary is None else [vocabulary.warning(text, self.name)]
        subject = repr(text.strip()[:60])
        if not has_audio and needs_audio(text, vocabulary):
            found.append(f"{subject} needs audio, and the stream has none")
        if not has_video and needs_video(text, vocabulary):
            found.append(f"{subject} needs video, and the stream has none")
        return "; ".join(filter(None, found))

    def open_session(
        self,
        instruction: str | None = None,
        *,
        context_seconds: float | None = None,
        context_policy: ContextPolicy | str | None = None,
        handover_overlap: float | None = None,
        spoken: npt.NDArray[np.float32] | None = None,
        yes_no_question: str | None = None,
    ) -> StreamSession:
        """Open a session: the state of one stream under one instruction.

        Close it after use, or use it in a `with` statement.

        Args:
            instruction: what to watch for; `None` for a stream that is only asked questions.
            context_seconds: seconds of units that the window keeps beside the opening turns, at
                least 1; `None`: the longest window that the checkpoint was trained for, else 60.
            context_policy: what to do when the window is full: `evict` or `handover`; `None` or
                "auto": what the checkpoint was trained for. See `ContextPolicy`.
            handover_overlap: seconds of units in sight right after a handover, from 1 s to half of
                the window; `None` for half of it.
            spoken: the instruction as audio, (n,) float32 mono at 16 kHz, at most 90 s, which is
                mixed into the first units instead of the text. `None`: espeak-ng synthesises it
                for a checkpoint that takes spoken instructions; others take the text.
            yes_no_question: question after each unit if `speak_source` is `yes_no`; `None`:
                `CONDITION_HOLDS`, whether the instruction's condition holds now.

        Raises:
            ContextError: window, policy or overlap is out of range, or instruction and window
                exceed the backbone's range of positions or the device's memory.
            InstructionTooLongError: the instruction, taken as text, has over 256 tokens.
            SpeechError: the instruction has to be synthesised, and espeak-ng is missing.
            UnitShapeError: `spoken` is not finite mono audio of at most 90 s.
        """
        return StreamSession(
            self,
            instruction,
            context_seconds=context_seconds,
            context_policy=context_policy,
            handover_overlap=handover_overlap,
            spoken=spoken,
            yes_no_question=yes_no_question,
        )

    def check_instruction(self, instruction: str) -> None:
        """Check that a session can be opened with an instruction as text.

        Raises:
            InstructionTooLongError: it has over 256 tokens.
        """
        self.dialogue.instruction(instruction)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the checkpoint to a folder that `from_pretrained` and transformers can load.

        Args:
            folder: folder to write; created if missing.

        Raises:
            CheckpointError: parts of the model are ONNX files, or its NF4 weights have been run
                on this CPU and cannot be saved without loss.
        """
        if self.onnx_overrides != OnnxOverrides():
            raise CheckpointError(
                f"{self.name} is a bundle with ONNX parts, which cannot be saved; "
                "copy the bundle's folder"
            )
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
        mode = (folder / "config.json").stat().st_mode
        for file in folder.glob("*.safetensors"):  # safetensors writes them for their owner alone
            file.chmod(mode)
