"""All checks of a folder that need no weight, in one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import Qwen2_5OmniThinkerConfig

from roma_ros.thinker.bundle import AUDIO_NAME, VISION_NAME
from roma_ros.thinker.checkpoint_check.files import check_folder_files, is_there
from roma_ros.thinker.checkpoint_check.head_fit import check_speak_head
from roma_ros.thinker.checkpoint_check.model_config import read_thinker_config
from roma_ros.thinker.checkpoint_check.preprocessor import read_preprocessor
from roma_ros.thinker.checkpoint_check.tokenizer import TokenizerProbe, check_tokenizer_files
from roma_ros.thinker.checkpoint_check.weight_fit import check_weights
from roma_ros.thinker.config import RomaConfig
from roma_ros.thinker.qwen_omni import AUDIO_TOWER, VISION_TOWER

__all__ = ["CheckedCheckpoint", "check_checkpoint"]


@dataclass(frozen=True, slots=True)
class CheckedCheckpoint:
    """A folder that the checks let pass.

    Attributes:
        folder: the folder.
        config: the thinker's, of checked values alone.
        preprocessor: settings of frames and sound; empty where the folder gives none.
        roma_config: what roma_ros keeps beside them.
    """

    folder: Path
    config: Qwen2_5OmniThinkerConfig
    preprocessor: dict[str, Any]
    roma_config: RomaConfig


def check_checkpoint(folder: Path) -> CheckedCheckpoint:
    """Check a model folder before anything is built from it; takes tenths of a second.

    Raises:
        CheckpointError: a file, a value, a weight or the tokenizer does not serve; the message
            names the file, what it holds, what was expected, and what to do.
    """
    check_folder_files(folder)
    check_tokenizer_files(folder)
    with _running(TokenizerProbe(folder)) as probe:
        config = read_thinker_config(folder)
        preprocessor = read_preprocessor(folder, config)
        in_onnx = ((VISION_NAME, VISION_TOWER), (AUDIO_NAME, AUDIO_TOWER))
        check_weights(
            folder, config, [tower for name, tower in in_onnx if is_there(folder / name)]
        )
        roma_config = RomaConfig.from_folder(folder)
        check_speak_head(folder, roma_config, config.text_config.hidden_size)
        probe.wait()
    return CheckedCheckpoint(folder, config, preprocessor, roma_config)


@contextmanager
def _running(probe: TokenizerProbe) -> Iterator[TokenizerProbe]:
    try:
        yield probe
    finally:
        probe.close()
