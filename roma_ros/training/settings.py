"""Settings of a training run, read from a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from roma_ros.data import Augmentation
from roma_ros.thinker import SpeakSource
from roma_ros.training.curriculum import Lesson, Mix
from roma_ros.training.mixture import WORLD
from roma_ros.training.sample_dataset import MAX_UNITS, SampleWeights
from roma_ros.world import RecordingLibrary

__all__ = ["LORA_TARGETS", "DecideSettings", "LoraSettings", "SettingsError", "TrainSettings"]

AUTO = "auto"
DTYPES = ("float32", "bfloat16")  # in float16 gradients of frozen layers' inputs overflow
FOLDS = frozenset(range(1, 6))  # of ESC-10 and ESC-50
LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class SettingsError(ValueError):
    """Raised when a settings file cannot be read, or a setting is invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraSettings:
    """Low-rank adapters (Hu et al. 2021) on the backbone's language layers.

    Args:
        rank: rank of the adapter matrices, from 1.
        alpha: scale; the product of the matrices is multiplied by alpha / rank.
        dropout: dropout on the inputs of adapters in training, 0 to 1.
        targets: linear layers of every language layer that get adapters, from `LORA_TARGETS`.

    Raises:
        SettingsError: a value is out of its range.
    """

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    targets: tuple[str, ...] = LORA_TARGETS

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", tuple(self.targets))  # YAML has lists only
        for name in ("rank", "alpha"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise SettingsError(f"lora: {name} is {value!r}; expected a whole number from 1")
        if not 0 <= self.dropout < 1:
            raise SettingsError(f"lora: dropout is {self.dropout}; expected a share from 0 to 1")
        if not self.targets or not set(self.targets) <= set(LORA_TARGETS):
            raise SettingsError(
                f"lora: targets are {list(self.targets)}; expected some of {list(LORA_TARGETS)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideSettings:
    """Source of p(speak), if it differs from that of the initial checkpoint.

    Args:
        source: `head` or `state_token`, see `SpeakSource`.
        layers: K, the number of last layers whose hidden states the head mixes (paper, section
            3.1), from 1.
        silent_tokens, speak_tokens: tokens of the states, for `state_token`; missing ones are added
            to the tokenizer. A second silent token stands for the state waiting.
        focal: gamma of the focal loss (Lin et al. 2017); 0 for plain cross-entropy.

    Raises:
        SettingsError: a value is out of its range.
    """

    source: str = SpeakSource.HEAD.value
    layers: int = 4
    silent_tokens: tuple[str, ...] = ()
    speak_tokens: tuple[str, ...] = ()
    focal: float = 0.0

    def __post_init__(self) -> None:
        for name in ("silent_tokens", "speak_tokens"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # YAML has lists only
        if self.source == SpeakSource.YES_NO.value:
            raise SettingsError("decide: yes_no is for models that were not trained to decide")
        if not isinstance(self.layers, int) or self.layers < 1:
            raise SettingsError(f"decide: layers is {self.layers!r}; expected a number from 1")
        if not self.focal >= 0:
            raise SettingsError(f"decide: focal is {self.focal}; expected 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Settings of one stage of the curriculum.

    Args:
        model: initial checkpoint: a folder, such as that of the previous stage, or `roma_tiny`.
        lessons: lessons in the order of training; at least one, unless `mixture` has files alone.
        mixture: files of samples, and `world` for the lessons, each with its number of passes: 2
            for each sample twice, 0.5 for half of them. Empty for the lessons alone; lessons that
            `mixture` does not name are not used.
        eval_data: file of samples that is streamed for scores during training, when `trainer`
            says (`eval_steps`; without, at every checkpoint); `None` for no scores.
        eval_streams: most samples of `eval_data` that are streamed each time, spread over it.
        class_weights: loss weights of positive units of samples; `None` (`auto` in a file): number
            of negative units over that of positive ones, by task, from 1 to 10.
        strict: whether a sample that cannot be used is an error; by default it is skipped.
        max_units: length at which a stream of a sample is cut.
        feature_cache: folder of the features of samples; `None`: `features` in the output folder.
        feature_cache_gb: most gigabytes of it; 0 for none.
        augment: variations of samples, of `Augmentation`; `None` for none. Varied samples are
            decoded in every pass.
        first_world: number of the first world of the lessons. A later stage starts after the last
            world of the one before, so that its worlds are new.
        train_encoders: whether the encoders are trained (stage 0 of roma_tiny only; frozen in the
            paper, section 3.2.2).
        lora: settings of adapters, which are then trained with the speak head alone; `None` trains
            all parameters.
        dtype: dtype of the backbone's weights in training and in the checkpoint, float32 or
            bfloat16. bfloat16 halves the memory of a large backbone with adapters; adapters and
            speak head stay float32. To train all parameters use float32, with `bf16` under
            `trainer` for mixed precision.
        decide: source of p(speak); `None` keeps that of the initial checkpoint.
        speak_share: lambda, weight of the loss of p(speak), from 0.
        encoder_rate: learning rate of the encoders as a share of that of the rest.
        muon: whether matrices are trained by Muon (Jordan et al. 2024) instead of AdamW; not for
            sharded parameters.
        max_tokens: most tokens of rows that are run through the model at once, padding included,
            from 1; a step with more is run in several passes, which gives the same gradients in
            less memory. `None` for one pass.
        seed: seed of new weights and of all other random numbers.
        recordings: folder of recorded sounds, for mixes with `recorded` or `recordings`; `None` for
            none.
        recording_folds: folds of ESC-10 or ESC-50 that are trained on.
        footage: folder of video files that the lessons of sights have as backdrops, without the
            clips for test; `None` for rendered rooms alone.
        trainer: transformers' `TrainingArguments` by name, such as learning_rate, save_steps, bf16,
            lr_scheduler_type, per_device_train_batch_size, gradient_checkpointing.

    Raises:
        SettingsError: a value is out of its range, or settings exclude each other.
    """

    model: str
    lessons: tuple[Lesson, ...] = ()
    mixture: Mapping[str, float] = field(default_factory=dict)
    eval_data: Path | None = None
    eval_streams: int = 64
    class_weights: SampleWeights | None = None
    strict: bool = False
    max_units: int = MAX_UNITS
    feature_cache: Path | None = None
    feature_cache_gb: float = 20.0
    augment: Augmentation | None = None
    first_world: int = 0
    train_encoders: bool = False
    lora: LoraSettings | None = None
    dtype: str = "float32"
    decide: DecideSettings | None = None
    speak_share: float = 1.0
    encoder_rate: float = 0.3
    muon: bool = False
    max_tokens: int | None = None
    seed: int = 0
    recordings: str | None = None
    recording_folds: tuple[int, ...] = (1, 2, 3)
    footage: Path | None = None
    trainer: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "recording_folds", tuple(self.recording_folds))  # lists in YAML
        if not self.lessons and not self.sample_files:
            raise SettingsError("lessons is empty; name at least one with its worlds")
        if WORLD in self.mixture and not self.lessons:
            raise SettingsError("mixture has `world` and lessons is empty; name at least one")
        for name, weight in self.mixture.items():
            if not isinstance(weight, int | float) or not 0 < weight < float("inf"):
                raise SettingsError(f"mixture: {name} is {weight!r}; expected a number above 0")
        if self.mixture.get(WORLD, 0) > 1:
            raise SettingsError(
                f"mixture: world is {self.mixture[WORLD]}; expected at most 1, the lessons once"
            )
        for name in ("eval_streams", "max_units"):
            if not isinstance(value := getattr(self, name), int) or value < 1:
                raise SettingsError(f"{name} is {value!r}; expected a whole number from 1")
        if not self.feature_cache_gb >= 0:
            raise SettingsError(f"feature_cache_gb is {self.feature_cache_gb}; expected 0 or more")
        if self.sample_files and self.train_encoders:
            raise SettingsError("train_encoders with samples: they have no targets for encoders")
        if not self.recording_folds or not set(self.recording_folds) <= FOLDS:
            raise SettingsError(
                f"recording_folds is {list(self.recording_folds)}; expected some of {sorted(FOLDS)}"
            )
        if not isinstance(self.first_world, int) or self.first_world < 0:
            raise SettingsError(f"first_world is {self.first_world!r}; expected a number from 0")
        if self.max_tokens is not None and not (
            isinstance(self.max_tokens, int) and self.max_tokens > 0
        ):
            raise SettingsError(f"max_tokens is {self.max_tokens!r}; expected a number from 1")
        if not self.speak_share >= 0:
            raise SettingsError(f"speak_share is {self.speak_share}; expected 0 or more")
        if self.dtype not in DTYPES:
            raise SettingsError(f"dtype is {self.dtype!r}; expected one of {DTYPES}")
        if self.lora is not None and self.train_encoders:
            raise SettingsError("train_encoders with lora: adapters leave the encoders as they are")
        if self.lora is not None and self.decide is not None and self.decide.silent_tokens:
            raise SettingsError("state tokens with lora: adapters would leave theirs untrained")

    @property
    def sample_files(self) -> dict[Path, float]:
        """Files of samples with their numbers of passes."""
        return {Path(name): weight for name, weight in self.mixture.items() if name != WORLD}

    def library(self) -> RecordingLibrary | None:
        """Open the folder of recordings; `None` if there is none. Raises RecordingsError."""
        if self.recordings is None:
            return None
        folds = self.recording_folds
        return RecordingLibrary.open(Path(self.recordings), train_folds=folds)

    @classmethod
    def read(cls, file: Path) -> TrainSettings:
        """Read a YAML file.

        Raises:
            SettingsError: the file cannot be read or is invalid; the message names the setting and
                what is expected.
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
            lora = values.pop("lora", None)
            adapters = None if lora is None else LoraSettings(**lora)
            decide = values.pop("decide", None)
            deciding = None if decide is None else DecideSettings(**decide)
            footage, eval_data, cache = (
                None if (value := values.pop(name, None)) is None else Path(value)
                for name in ("footage", "eval_data", "feature_cache")
            )
            augment = values.pop("augment", None)
            weights = values.pop("class_weights", AUTO)
            return cls(
                lessons=lessons,
                lora=adapters,
                decide=deciding,
                augment=None if augment is None else _augmentation(augment),
                class_weights=None if weights == AUTO else SampleWeights(**weights),
                footage=footage,
                eval_data=eval_data,
                feature_cache=cache,
                **values,
            )
        except (TypeError, ValueError, KeyError) as error:
            raise SettingsError(f"{file}: {error}") from error


def _augmentation(values: Mapping[str, Any]) -> Augmentation:
    pairs = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
    return Augmentation(**{**values, **pairs})


def _lesson(values: Mapping[str, Any]) -> Lesson:
    mix = dict(values["mix"])
    for name in {"seconds", "long_seconds", "windows"} & set(mix):
        shortest, longest = mix[name]
        mix[name] = (shortest, longest)
    mix["often"] = tuple(mix.get("often", ()))
    return Lesson(Mix(**mix), int(values["worlds"]))
