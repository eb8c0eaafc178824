"""Whether a quantised kind runs on a device, found out before anything large is loaded."""

from __future__ import annotations

import pytest
import torch

from roma_ros.thinker import CheckpointError, Quantization
from roma_ros.thinker.kernel_check import check_kernel, main


@pytest.mark.parametrize("kind", [Quantization.NF4, Quantization.INT8])
def test_both_kinds_run_on_this_cpu(kind: Quantization) -> None:
    check_kernel(kind, torch.device("cpu"))
    main([kind.value, "cpu"])


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="here it would run")
def test_a_process_that_dies_of_it_is_an_error_with_a_remedy() -> None:
    """There is no GPU: the call fails in its own process, as it does on a Jetson."""
    with pytest.raises(CheckpointError, match=r"exit code 1: .*build bitsandbytes from source.*87"):
        check_kernel(Quantization.NF4, torch.device("cuda"))
