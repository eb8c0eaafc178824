"""Number of CPU threads that torch computes in."""

from __future__ import annotations

import os

import torch

from roma_ros.thinker.model import ThinkerModel

__all__ = ["SINGLE_THREAD_WIDTH", "set_torch_threads"]

SINGLE_THREAD_WIDTH = 512
"""Hidden size up to which one thread is enough; roma_tiny has 192, the 3B model 2,048."""
_DEFAULT_THREADS = torch.get_num_threads()


def set_torch_threads(model: ThinkerModel) -> int:
    """Set torch to one thread for a small model on a CPU, else to its default number.

    With small matrices, synchronising threads costs more than they save, the more so where other
    processes use the same cores. The setting applies to the whole process, so call this in a
    program, not in a library. If `OMP_NUM_THREADS` is set, torch's default always stays.

    Args:
        model: small if its backbone's hidden size is at most 512.

    Returns:
        Number of threads that torch now uses.
    """
    width = model.backbone.config.get_text_config().hidden_size
    small = model.device.type == "cpu" and width <= SINGLE_THREAD_WIDTH
    single = small and "OMP_NUM_THREADS" not in os.environ
    torch.set_num_threads(1 if single else _DEFAULT_THREADS)
    return torch.get_num_threads()
