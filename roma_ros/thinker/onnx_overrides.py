"""Parts of a bundle that onnxruntime runs instead of torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from roma_ros.thinker.bundle import AUDIO_NAME, ONNX_HEAD_NAME, VISION_NAME
from roma_ros.thinker.onnx_parts import OnnxAudio, OnnxSpeakHead, OnnxVision
from roma_ros.thinker.qwen_omni import AUDIO_TOWER, VISION_TOWER

__all__ = ["OnnxOverrides"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxOverrides:
    """Parts that onnxruntime runs; torch runs those that are `None`.

    Attributes:
        vision: vision encoder.
        audio: audio encoder.
        speak_head: speak head.
    """

    vision: OnnxVision | None = None
    audio: OnnxAudio | None = None
    speak_head: OnnxSpeakHead | None = None

    @classmethod
    def from_folder(cls, folder: Path) -> OnnxOverrides:
        """Open the ONNX files of a bundle: `vision.onnx`, `audio.onnx`, `speak_head.onnx`, if any.

        Raises:
            CheckpointError: a file cannot be used, or onnxruntime is not installed.
        """
        vision, audio, head = (folder / name for name in (VISION_NAME, AUDIO_NAME, ONNX_HEAD_NAME))
        return cls(
            vision=OnnxVision(vision) if vision.exists() else None,
            audio=OnnxAudio(audio) if audio.exists() else None,
            speak_head=OnnxSpeakHead(head) if head.exists() else None,
        )

    @property
    def towers(self) -> tuple[str, ...]:
        """Names of the torch encoders that are not needed: `VISION_TOWER`, `AUDIO_TOWER`."""
        found = {VISION_TOWER: self.vision, AUDIO_TOWER: self.audio}
        return tuple(name for name, part in found.items() if part is not None)
