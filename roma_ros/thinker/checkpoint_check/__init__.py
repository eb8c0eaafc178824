"""What a model folder must be before anything is built from it.

`check_checkpoint` reads no weight, only names, JSON files and headers: files are regular, inside
the folder and of bounded size; every value that is used has a type and bounds; the weights are
those of the model that `config.json` describes; the tokenizer works. `check_finite` and
`process_trial_unit` look at what was loaded.
"""

from roma_ros.thinker.checkpoint_check.checkpoint import CheckedCheckpoint, check_checkpoint
from roma_ros.thinker.checkpoint_check.files import check_folder_files
from roma_ros.thinker.checkpoint_check.finite import check_finite
from roma_ros.thinker.checkpoint_check.head_fit import check_speak_head
from roma_ros.thinker.checkpoint_check.onnx_operators import check_operators
from roma_ros.thinker.checkpoint_check.tokenizer import check_tokenizer
from roma_ros.thinker.checkpoint_check.trial import process_trial_unit

__all__ = [
    "CheckedCheckpoint",
    "check_checkpoint",
    "check_finite",
    "check_folder_files",
    "check_operators",
    "check_speak_head",
    "check_tokenizer",
    "process_trial_unit",
]
