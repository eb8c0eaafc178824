"""Settings that roma_ros adds to a Qwen2.5-Omni checkpoint, stored in `roma_config.json`."""

from __future__ import annotations

import enum
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from roma_ros.thinker.checkpoint_check.files import read_json
from roma_ros.thinker.checkpoint_check.limits import (
    Count,
    Limit,
    ListOf,
    MaybeNull,
    Text,
    checked,
)
from roma_ros.thinker.context_policy import MAX_CONTEXT_SECONDS, ContextPolicy
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
LIMITS: dict[str, Limit] = {
    "system_prompt": Text(MAX_SYSTEM_PROMPT),
    "max_pixels": Count(1, 16_777_216),
    "min_pixels": Count(1, 16_777_216),
    "speak_layer_ids": ListOf(Count(-1000, 1000), 0, 64),
    "speak_hidden_size": MaybeNull(Count(1, MAX_HIDDEN_SIZE)),
    "silent_tokens": ListOf(Text(), 0, 1000),
    "speak_tokens": ListOf(Text(), 0, 1000),
}
"""Types and bounds of `roma_config.json`; `RomaConfig` checks the rest."""
DEFAULT_CONTEXT_SECONDS = 60.0
"""Window of a checkpoint whose `trained_context_seconds` is not set."""


class InstructionForm(enum.Enum):
    """Form of the instructions that a checkpoint was trained on."""

    TEXT = "text"
    """Text before the first unit."""
    SPOKEN = "spoken"
    """Speech in the audio of the first units, as in ROMA's public release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RomaConfig:
    """Settings that a checkpoint was trained with.

    Args:
        system_prompt: text of the system turn of every session.
        max_pixels, min_pixels: largest and smallest area of a resized frame, in pixels
            (paper, A.5: at most 65,536); at least 784, which is one video token.
        speak_layer_ids: indices of the hidden states that the speak head mixes, of
            -layers - 1 to layers (paper, section 3.1: the last K=4).
        speak_hidden_size: width between the speak head's two linear layers, 1 to 65,536; `None`
            for a quarter of the backbone's hidden size.
        speak_source: source of p(speak): `head`, `state_token` or `yes_no`; see `SpeakSource`.
        silent_tokens, speak_tokens: names of the tokens that mean silence and speaking, if
            `speak_source` is `state_token`.
        instructions: form of instructions: `text` or `spoken`; see `InstructionForm`.
        trained_context_seconds: longest window that it was trained for, in seconds, 1 to 86,400;
            the default of every session. `None`: not known, and sessions take 60 s.
        trained_context_policy: what sessions do when their window is full: `evict` for a
            checkpoint that was trained on streams with evicted units, `handover` for all others;
            see `ContextPolicy`.
        alert_replies: whether it was trained to describe an alert, as a watch with `reply` needs.
        vocabulary: content words that it was trained on; `None` for any. In JSON an object with
            lists under `sounds`, `sights` and `others`.

    Raises:
        CheckpointError: a value has the wrong type or is out of range.
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
    trained_context_policy: str = ContextPolicy.HANDOVER.value
    alert_replies: bool = False
    vocabulary: Vocabulary | None = None

    def __post_init__(self) -> None:
        for name in ("speak_layer_ids", "silent_tokens", "speak_tokens"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON has lists only
        if self.speak_source not in (known := [source.value for source in SpeakSource]):
            raise CheckpointError(f"speak_source is {self.speak_source!r}; expected one of {known}")
        if self.instructions not in (known := [form.value for form in InstructionForm]):
            raise CheckpointError(f"instructions is {self.instructions!r}; expected one of {known}")
        if self.trained_context_policy not in (known := [policy.value for policy in ContextPolicy]):
            raise CheckpointError(
                f"trained_context_policy is {self.trained_context_policy!r}; "
                f"expected one of {known}"
            )
        width = self.speak_hidden_size
        if width is not None and not 1 <= width <= MAX_HIDDEN_SIZE:
            raise CheckpointError(f"speak_hidden_size is {width}; expected 1 to {MAX_HIDDEN_SIZE}")
        if not self.speak_layer_ids:
            raise CheckpointError(
                "speak_layer_ids is empty; expected at least one layer, such as [-1]"
            )
        if not 784 <= self.min_pixels <= self.max_pixels:
            raise CheckpointError(
                f"min_pixels is {self.min_pixels}, max_pixels is {self.max_pixels}; "
                "expected 784 <= min_pixels <= max_pixels (one 28x28 token is 784 pixels)"
            )
        self._check_limits()

    def _check_limits(self) -> None:
        """Check the settings that limit what the checkpoint is used for."""
        window: object = self.trained_context_seconds
        if window is not None and not (
            isinstance(window, int | float)
            and not isinstance(window, bool)
            and 1 <= window <= MAX_CONTEXT_SECONDS
        ):
            raise CheckpointError(
                f"trained_context_seconds is {window!r}; expected 1 to {MAX_CONTEXT_SECONDS:,} s, "
                "or null if it is not known"
            )
        replies: object = self.alert_replies
        if not isinstance(replies, bool):
            raise CheckpointError(f"alert_replies is {replies!r}; expected true or false")
        vocabulary: object = self.vocabulary
        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            object.__setattr__(self, "vocabulary", Vocabulary.from_json(vocabulary))

    @classmethod
    def from_folder(cls, folder: Path) -> RomaConfig:
        """Read the settings of a checkpoint folder; all of its files may be missing.

        `system_prompt.txt` has precedence over `roma_config.json`, and that over what the
        `config.json` of ROMA's public release implies.

        Raises:
            CheckpointError: a file cannot be read, or has an unknown key or a wrong value.
        """
        values = {**release_settings(folder), **_read_settings(folder)}
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            file = folder / ROMA_CONFIG_NAME
            raise CheckpointError(f"{file} has unknown keys {unknown}; expected {sorted(known)}")
        if (prompt := _read_system_prompt(folder)) is not None:
            values["system_prompt"] = prompt
        try:
            return cls(**values)
        except CheckpointError as error:
            raise CheckpointError(f"{folder / ROMA_CONFIG_NAME}: {error}") from error

    def save(self, folder: Path) -> None:
        """Write `roma_config.json`, and update `system_prompt.txt` if the folder has one."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / ROMA_CONFIG_NAME).write_text(text + "\n", encoding="utf-8")
        if (file := folder / SYSTEM_PROMPT_NAME).exists():
            file.write_text(self.system_prompt + "\n", encoding="utf-8")


def _read_settings(folder: Path) -> dict[str, Any]:
    file = folder / ROMA_CONFIG_NAME
    if not file.exists():
        return {}
    values = read_json(file)
    if not isinstance(values, dict):
        raise CheckpointError(f"{file} holds {type(values).__name__}; expected an object, as {{}}")
    checked(file, "", values, LIMITS)
    return values


def _read_system_prompt(folder: Path) -> str | None:
    """Return the text of `system_prompt.txt`, stripped; `None` without that file."""
    file = folder / SYSTEM_PROMPT_NAME
    if not file.exists():
        return None
    try:
        if (size := file.stat().st_size) > MAX_SYSTEM_PROMPT:
            raise CheckpointError(
                f"{file} has {size} bytes; expected at most {MAX_SYSTEM_PROMPT} for a system prompt"
            )
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{file} cannot be read as UTF-8 text: {error}") from error
    if not text:
        raise CheckpointError(f"{file} is empty; write the system prompt to it, or remove it")
    return text
