"""How many of a CPU's threads a model computes in."""

from __future__ import annotations

import os

import torch

from roma_ros.thinker.model import ThinkerModel

__all__ = ["SINGLE_THREAD_WIDTH", "set_torch_threads"]

SINGLE_THREAD_WIDTH = 512
"""Width of a backbone up to which one thread is enough; roma_tiny has 192, the 3B has 2,048."""
_AT_FIRST = torch.get_num_threads()  # before anybody settles them


def set_torch_threads(model: ThinkerModel) -> int:
    """Have a small model on a CPU compute in one thread, and any other in as many as torch takes.

    Small matrices are done before several threads have agreed on their shares; and where other
    processes want the cores too, as on a robot, threads wait for one that has none. This is for
    who owns the process: torch's threads are the same for all models in it. The environment's
    `OMP_NUM_THREADS` has the last word.

    Returns:
        Threads that torch computes in from now on.
    """
    width = model.backbone.config.get_text_config().hidden_size
    small = model.device.type == "cpu" and width <= SINGLE_THREAD_WIDTH
    alone = small and "OMP_NUM_THREADS" not in os.environ
    torch.set_num_threads(1 if alone else _AT_FIRST)
    return torch.get_num_threads()
