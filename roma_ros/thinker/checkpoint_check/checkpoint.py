"""All checks of a folder that need no weight, in one call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from transformers import Qwen2_5OmniThinkerConfig

from roma_ros.thinker.bundle import AUDIO_NAME, VISION_NAME, check_bundle, is_bundle
from roma_ros.thinker.checkpoint_check.files import check_folder_files, is_there
from roma_ros.thinker.checkpoint_check.head_fit import check_speak_head
from roma_ros.thinker.checkpoint_check.model_config import read_thinker_config
from roma_ros.thinker.checkpoint_check.preprocessor import read_preprocessor
from roma_ros.thinker.checkpoint_check.tokenizer import TokenizerProbe, check_tokenizer_files
from roma_ros.thinker.checkpoint_check.weight_fit import check_weights
from roma_ros.thinker.config import RomaConfig
from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.quantization import GPTQ_REMEDY, gptq_missing, is_gptq
from roma_ros.thinker.qwen_omni import AUDIO_TOWER, VISION_TOWER

__all__ = ["CheckedCheckpoint", "check_checkpoint"]


@dataclass(frozen=True, slots=True)
class CheckedCheckpoint:
    """A folder that has passed all checks.

    Attributes:
        folder: the folder.
        config: config of the thinker, of checked values alone.
        roma_config: settings that roma_ros adds.
    """

    folder: Path
    config: Qwen2_5OmniThinkerConfig
    roma_config: RomaConfig


def check_checkpoint(folder: Path) -> CheckedCheckpoint:
    """Check a model folder before anything is built from it; takes tenths of a second.

    Every file of a bundle is compared with its manifest, about a second per gigabyte.

    Raises:
        CheckpointError: a file, a value, a weight or the tokenizer cannot be used; the message
            names the file, what it holds, what was expected, and what to do.
    """
    check_folder_files(folder)
    in_onnx: list[str] = []
    if is_bundle(folder):
        check_bundle(folder)
        parts = ((VISION_NAME, VISION_TOWER), (AUDIO_NAME, AUDIO_TOWER))
        in_onnx = [tower for name, tower in parts if is_there(folder / name)]
    check_tokenizer_files(folder)
    with _running(TokenizerProbe(folder)) as probe:
        config = read_thinker_config(folder)
        if is_gptq(config.to_dict()) and (missing := gptq_missing()):
            raise CheckpointError(
                f"{folder} has GPTQ weights, which need {' and '.join(missing)}: {GPTQ_REMEDY}"
            )
        read_preprocessor(
            folder,
            mel_bins=config.audio_config.num_mel_bins,
            patch_size=config.vision_config.patch_size,
            merge_size=config.vision_config.spatial_merge_size,
        )
        check_weights(folder, config, in_onnx)
        roma_config = RomaConfig.from_folder(folder)
        layers = config.text_config.num_hidden_layers
        if any(not -layers - 1 <= number <= layers for number in roma_config.speak_layer_ids):
            raise CheckpointError(
                f"{folder}: speak_layer_ids is {list(roma_config.speak_layer_ids)}, which do not "
                f"exist in {layers} layers; expected numbers from {-layers - 1} to {layers}"
            )
        check_speak_head(folder, roma_config, config.text_config.hidden_size)
        probe.wait()
    return CheckedCheckpoint(folder, config, roma_config)


@contextmanager
def _running(probe: TokenizerProbe) -> Iterator[TokenizerProbe]:
    try:
        yield probe
    finally:
        probe.close()
