"""What roma_ros adds to a Qwen2.5-Omni checkpoint's own config, kept in `roma_config.json`."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.roma_release import release_settings
from roma_ros.thinker.speak_source import SpeakSource
from roma_ros.thinker.vocabulary import Vocabulary

__all__ = [
    "DEFAULT_CONTEXT_SECONDS",
    "ROMA_CONFIG_NAME",
    "SYSTEM_PROMPT_NAME",
    "InstructionForm",
    "RomaConfig",
]

ROMA_CONFIG_NAME = "roma_config.json"
SYSTEM_PROMPT_NAME = "system_prompt.txt"
MAX_SYSTEM_PROMPT = 32_768  # bytes
MAX_HIDDEN_SIZE = 65_536
MAX_CONTEXT_SECONDS = 86_400
DEFAULT_CONTEXT_SECONDS = 60.0
"""The window of a checkpoint that does not name the one it was trained for."""


class InstructionForm(enum.Enum):
    """How a checkpoint was taught its instructions."""

    TEXT = "text"
    """Written before the first unit."""
    SPOKEN = "spoken"
    """Spoken into the first units, as in ROMA's public release."""


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
        speak_source: `head`, `state_token` or `yes_no`: see `SpeakSource`.
        silent_tokens, speak_tokens: what decides where `speak_source` is `state_token`.
        instructions: `text` or `spoken`: see `InstructionForm`.
        trained_context_seconds: the longest window that it was trained to judge in, 1 to 86,400:
            the default of every session; `None`: not known, and 60 s are taken.
        alert_replies: whether it was trained to put an alert in words, as a watch with `reply`
            asks for.
        vocabulary: the words that it was trained on; `None`: it takes any. As JSON, an object
            with lists under `sounds`, `sights` and `others`.
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
    instructions: str = InstructionForm.TEXT.value
    trained_context_seconds: float | None = None
    alert_replies: bool = False
    vocabulary: Vocabulary | None = None

    def __post_init__(self) -> None:
        for name in ("speak_layer_ids", "silent_tokens", "speak_tokens"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON knows lists alone
        if self.speak_source not in (known := [source.value for source in SpeakSource]):
            raise CheckpointError(f"speak_source is {self.speak_source!r}; expected one of {known}")
        if self.instructions not in (known := [form.value for form in InstructionForm]):
            raise CheckpointError(f"instructions is {self.instructions!r}; expected one of {known}")
        width = self.speak_hidden_size
        if width is not None and not 1 <= width <= MAX_HIDDEN_SIZE:
            raise CheckpointError(f"speak_hidden_size is {width}; expected 1 to {MAX_HIDDEN_SIZE}")
        if not self.speak_layer_ids:
            raise CheckpointError("speak_layer_ids is empty: name at least one layer, such as [-1]")
        if not 784 <= self.min_pixels <= self.max_pixels:
            raise CheckpointError(
                f"min_pixels={self.min_pixels}, max_pixels={self.max_pixels}: "
                "expected 784 <= min_pixels <= max_pixels (one 28x28 token is 784 pixels)"
            )
        self._check_limits()

    def _check_limits(self) -> None:
        """Check what the checkpoint says of its own limits."""
        window: object = self.trained_context_seconds
        if window is not None and not (
            isinstance(window, int | float)
            and not isinstance(window, bool)
            and 1 <= window <= MAX_CONTEXT_SECONDS
        ):
            raise CheckpointError(
                f"trained_context_seconds is {window!r}; expected 1 to {MAX_CONTEXT_SECONDS:,} s, "
                "or null where it is not known"
            )
        replies: object = self.alert_replies
        if not isinstance(replies, bool):
            raise CheckpointError(f"alert_replies is {replies!r}; expected true or false")
        vocabulary: object = self.vocabulary
        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            object.__setattr__(self, "vocabulary", Vocabulary.from_json(vocabulary))

    @classmethod
    def from_folder(cls, folder: Path) -> RomaConfig:
        """Read what the folder says: all of it may be missing, as in a stock checkpoint.

        `system_prompt.txt` goes before `roma_config.json`, and this before what the `config.json`
        of ROMA's public release implies.

        Raises:
            CheckpointError: a file cannot be read, or holds what a config does not take.
        """
        values = {**release_settings(folder), **_read_settings(folder)}
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            file = folder / ROMA_CONFIG_NAME
            raise CheckpointError(f"{file} has unknown keys {unknown}; known are {sorted(known)}")
        if (prompt := _read_system_prompt(folder)) is not None:
            values["system_prompt"] = prompt
        return cls(**values)

    def save(self, folder: Path) -> None:
        """Write `roma_config.json`, and the system prompt's own file anew if there is one."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / ROMA_CONFIG_NAME).write_text(text + "\n", encoding="utf-8")
        if (file := folder / SYSTEM_PROMPT_NAME).exists():
            file.write_text(self.system_prompt + "\n", encoding="utf-8")


def _read_settings(folder: Path) -> dict[str, Any]:
    file = folder / ROMA_CONFIG_NAME
    if not file.exists():
        return {}
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file} cannot be read as JSON: {error}") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{file} holds {type(values).__name__}; expected an object, as {{}}")
    return values


def _read_system_prompt(folder: Path) -> str | None:
    """The text of `system_prompt.txt`, without white space at its ends."""
    file = folder / SYSTEM_PROMPT_NAME
    if not file.exists():
        return None
    try:
        if (size := file.stat().st_size) > MAX_SYSTEM_PROMPT:
            raise CheckpointError(
                f"{file} has {size} bytes; a system prompt has at most {MAX_SYSTEM_PROMPT}"
            )
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file} cannot be read as UTF-8 text: {error}") from error
    if not text:
        raise CheckpointError(f"{file} is empty; write the system prompt in it, or remove it")
    return text
