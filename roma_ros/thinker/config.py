"""What roma_ros adds to a Qwen2.5-Omni checkpoint's own config, kept in `roma_config.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.speak_source import SpeakSource

__all__ = ["ROMA_CONFIG_NAME", "RomaConfig"]

ROMA_CONFIG_NAME = "roma_config.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RomaConfig:
    """Settings that belong to a checkpoint because it was trained with them.

    Args:
        system_prompt: first turn of every session.
        max_pixels, min_pixels: bounds of a resized frame's area (paper, A.5: 65,536).
        speak_layer_ids: indices into the backbone's hidden states that the speak head mixes
            (paper, section 3.1: the last K=4).
        speak_hidden_size: width of the speak head's middle layer; `None` is a quarter of the
            backbone's width.
        speak_source: `head`, or `state_token`: see `SpeakSource`.
        silent_tokens, speak_tokens: what decides where `speak_source` is `state_token`.
    """

    system_prompt: str = (
        "You watch and listen to a live stream. "
        "Speak when the instruction asks for it, and answer questions about the stream."
    )
    max_pixels: int = 65_536
    min_pixels: int = 3_136
    speak_layer_ids: tuple[int, ...] = (-4, -3, -2, -1)
    speak_hidden_size: int | None = None
    speak_source: str = SpeakSource.HEAD.value
    silent_tokens: tuple[str, ...] = ()
    speak_tokens: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("speak_layer_ids", "silent_tokens", "speak_tokens"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON knows lists alone
        if self.speak_source not in (known := [source.value for source in SpeakSource]):
            raise CheckpointError(f"speak_source is {self.speak_source!r}; expected one of {known}")
        if not self.speak_layer_ids:
            raise CheckpointError("speak_layer_ids is empty: name at least one layer, such as [-1]")
        if not 784 <= self.min_pixels <= self.max_pixels:
            raise CheckpointError(
                f"min_pixels={self.min_pixels}, max_pixels={self.max_pixels}: "
                "expected 784 <= min_pixels <= max_pixels (one 28x28 token is 784 pixels)"
            )

    @classmethod
    def from_folder(cls, folder: Path) -> RomaConfig:
        """Read `roma_config.json`, or the defaults where a stock checkpoint has none."""
        file = folder / ROMA_CONFIG_NAME
        if not file.exists():
            return cls()
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{file} cannot be read as JSON: {error}") from error
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise CheckpointError(f"{file} has unknown keys {unknown}; known are {sorted(known)}")
        return cls(**values)

    def save(self, folder: Path) -> None:
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / ROMA_CONFIG_NAME).write_text(text + "\n", encoding="utf-8")
