"""Facts of a checkpoint for its model card: settings, size, and what its stages trained on."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from safetensors import safe_open

from roma_ros.evaluation.provenance import checkpoint_hashes
from roma_ros.models.card_figures import ModelCardError
from roma_ros.thinker import CheckpointError, RomaConfig
from roma_ros.training.settings import TrainSettings
from roma_ros.world import ESC_10, SIGHTS, RecordedSound
from roma_ros.world.sights import Sight

__all__ = ["CardFacts", "recipe_stages"]

RECIPE_STAGE = re.compile(r"stage\d.*\.yaml")
EXAMPLES = ("a baby cries", "a red circle appears", "something happens")
RECORDED = frozenset(kind.condition for kind in ESC_10)


@dataclass(frozen=True, slots=True)
class CardFacts:
    """Facts of a checkpoint, from its model folder and the settings of its stages.

    Attributes:
        name: name of the folder.
        config: its `roma_config.json`.
        parameters: number of parameters.
        weight_bytes: size of its safetensors files in bytes.
        hashes: SHA-256 of these files by name.
        folds: folds of ESC-10 or ESC-50 that a stage trained on, sorted.
        with_sights: whether a stage trained on sights.
    """

    name: str
    config: RomaConfig
    parameters: int
    weight_bytes: int
    hashes: dict[str, str]
    folds: tuple[int, ...]
    with_sights: bool

    def has(self, *texts: str) -> bool:
        """Return whether every word of some texts is in the vocabulary, if there is one."""
        vocabulary = self.config.vocabulary
        return vocabulary is None or not vocabulary.unknown(" ".join(texts))

    @property
    def recorded_sounds(self) -> tuple[RecordedSound, ...]:
        """Recorded sounds that a stage trained on and the vocabulary has."""
        return tuple(kind for kind in ESC_10 if self.folds and self.has(kind.condition))

    @property
    def sights(self) -> tuple[Sight, ...]:
        """Sights that a stage trained on and the vocabulary has."""
        return tuple(sight for sight in SIGHTS if self.with_sights and self.has(*sight.wordings))

    @property
    def names(self) -> dict[str, str]:
        """Events of sounds and sights by the name that the evaluation gives them."""
        named = {kind.value: kind.condition for kind in self.recorded_sounds}
        for sight in self.sights:
            colour = "" if sight.colour is None else f" {sight.colour.value}"
            named[f"{sight.kind.value}{colour}"] = sight.wordings[0]
        return named

    @property
    def instruction(self) -> str:
        """Instruction of the examples."""
        heard = tuple(kind.condition for kind in self.recorded_sounds)
        known = (text for text in EXAMPLES if text in heard or text not in RECORDED)
        return f"alert me when {next((text for text in known if self.has(text)), EXAMPLES[-1])}"

    @classmethod
    def read(cls, folder: Path, stages: Sequence[Path] | None = None) -> CardFacts:
        """Read a model folder and the settings of its stages.

        Args:
            folder: model folder.
            stages: settings files of its stages; `None`: those of `roma_tiny`.

        Raises:
            ModelCardError: there are no settings files and no vocabulary, so that it is not known
                what it was trained on.
            CheckpointError: the folder is no checkpoint.
            SettingsError: a settings file is invalid.
        """
        weights = sorted(folder.glob("*.safetensors"))
        if not weights:
            raise CheckpointError(f"{folder} has no *.safetensors; expected a model folder")
        config = RomaConfig.from_folder(folder)
        if stages is None and config.vocabulary is None:
            raise ModelCardError(
                f"{folder} names no vocabulary, so it is not known what it was trained on; "
                "expected the settings files of its stages: give --stages FILE..."
            )
        files_of_stages = recipe_stages() if stages is None else stages
        settings = [TrainSettings.read(path) for path in files_of_stages]
        folds = {
            fold
            for stage in settings
            if any(lesson.mix.needs_recordings for lesson in stage.lessons)
            for fold in stage.recording_folds
        }
        mixes = [lesson.mix for stage in settings for lesson in stage.lessons]
        return cls(
            name=folder.resolve().name,
            config=config,
            parameters=sum(_count(path) for path in weights),
            weight_bytes=sum(path.stat().st_size for path in weights),
            hashes=checkpoint_hashes(folder),
            folds=tuple(sorted(folds)),
            with_sights=any(mix.sights > 0 or mix.sight_glimpses > 0 for mix in mixes),
        )


def recipe_stages() -> tuple[Path, ...]:
    """Return the settings files of the stages that `roma_tiny` is trained with."""
    folder = Path(str(files("roma_ros.training") / "stages"))
    return tuple(path for path in sorted(folder.iterdir()) if RECIPE_STAGE.fullmatch(path.name))


def _count(path: Path) -> int:
    """Return the number of parameters in a safetensors file, without reading them."""
    total = 0
    with safe_open(path, framework="numpy") as file:
        for name in file.keys():  # noqa: SIM118 (it is no mapping)
            total += math.prod(file.get_slice(name).get_shape())
    return total
