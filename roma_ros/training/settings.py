"""What a training run is, as a YAML file says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from roma_ros.training.curriculum import Lesson, Mix

__all__ = ["SettingsError", "TrainSettings"]


class SettingsError(ValueError):
    """A settings file cannot be read, or says what no run can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """One stage of the curriculum.

    Args:
        model: what to start from: a checkpoint folder, `roma_tiny`, or the stage before.
        lessons: what is learnt, in this order.
        train_encoders: only roma_tiny's stage 0 does (paper, section 3.2.2: both are frozen).
        speak_share: lambda, the weight of the timing loss.
        encoder_rate: the encoders' learning rate as a share of the rest's.
        seed: of the weights that are new, and of what is random on the way.
        trainer: transformers' `TrainingArguments` by name, such as learning_rate, save_steps, bf16,
            lr_scheduler_type, per_device_train_batch_size.
    """

    model: str
    lessons: tuple[Lesson, ...]
    train_encoders: bool = False
    speak_share: float = 1.0
    encoder_rate: float = 0.3
    seed: int = 0
    trainer: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.lessons:
            raise SettingsError("lessons is empty; name at least one with its streams")
        if not self.speak_share >= 0:
            raise SettingsError(f"speak_share is {self.speak_share}; expected 0 or more")

    @classmethod
    def read(cls, file: Path) -> TrainSettings:
        """Read a YAML file.

        Raises:
            SettingsError: it is no such file; the message says where and what was expected.
        """
        try:
            values = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise SettingsError(f"{file} cannot be read: {error}") from error
        known = [entry.name for entry in fields(cls)]
        if not isinstance(values, dict) or not set(values) <= set(known):
            raise SettingsError(f"{file} must be a mapping with keys among {known}")
        try:
            lessons = tuple(_lesson(lesson) for lesson in values.pop("lessons", ()))
            return cls(lessons=lessons, **values)
        except (TypeError, ValueError, KeyError) as error:
            raise SettingsError(f"{file}: {error}") from error


def _lesson(values: Mapping[str, Any]) -> Lesson:
    mix = dict(values["mix"])
    if "seconds" in mix:
        shortest, longest = mix["seconds"]
        mix["seconds"] = (shortest, longest)
    return Lesson(Mix(**mix), int(values["streams"]))
