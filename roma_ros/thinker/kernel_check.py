"""Check that bitsandbytes' kernels run on a device, in a process of its own.

Where bitsandbytes' CUDA library does not fit a device, the first call of a kernel ends the whole
process. `python -m roma_ros.thinker.kernel_check nf4 cuda:0` is the process that runs the check.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import torch

from roma_ros.thinker.errors import CheckpointError
from roma_ros.thinker.quantization import Quantization

__all__ = ["check_kernel", "main", "run_kernel"]

WIDTH = 64
TIMEOUT = 300.0  # seconds: a Jetson imports torch from a slow SD card
MAX_RELATIVE_ERROR = 0.25  # NF4 of normally distributed weights has about 0.1
REMEDY = (
    "on a Jetson, build bitsandbytes from source (compute capability 87 for Orin): the wheels on "
    "PyPI are made for servers; docs/jetson.md says how. Or load the model without quantisation"
)


def check_kernel(kind: Quantization, device: torch.device) -> None:
    """Check that a quantisation runs on a device, before a large model is loaded.

    Args:
        kind: `NF4` or `INT8`.
        device: device to run on; a CUDA device is checked in a process of its own.

    Raises:
        CheckpointError: it does not run; the message gives the reason, and what to do.
    """
    if device.type == "cpu":
        try:
            run_kernel(kind, device)
        except (ImportError, RuntimeError, ValueError) as error:
            raise _refusal(kind, device, str(error)) from error
        return
    command = [sys.executable, "-m", __name__, kind.value, str(device)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise _refusal(kind, device, f"no answer within {TIMEOUT:.0f} s") from error
    if done.returncode:
        output = done.stderr.strip() or done.stdout.strip() or "no message"
        reason = f"exit code {done.returncode}: {output.splitlines()[-1]}"
        raise _refusal(kind, device, reason)


@torch.inference_mode()
def run_kernel(kind: Quantization, device: torch.device) -> None:
    """Multiply one row, and then several, by a small quantised matrix.

    Args:
        kind: `NF4` or `INT8`.
        device: device to run on.

    Raises:
        ImportError: bitsandbytes is not installed.
        ValueError: the products differ from those of the original matrix by 25 % or more.
    """
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    dtype = torch.float32 if device.type == "cpu" else torch.float16
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(WIDTH, WIDTH, generator=generator)
    layer: torch.nn.Module
    if kind is Quantization.NF4:
        layer = Linear4bit(WIDTH, WIDTH, bias=False, quant_type="nf4", compute_dtype=dtype)
    else:
        layer = Linear8bitLt(WIDTH, WIDTH, bias=False, has_fp16_weights=False)
    layer.load_state_dict({"weight": weight.to(dtype)})
    layer = layer.to(device).eval().requires_grad_(False)
    for rows in (1, 8):  # decoding and units run different kernels
        values = torch.randn(rows, WIDTH, generator=generator)
        wanted = values @ weight.T
        got = layer(values.to(device, dtype)).float().cpu()
        error = float((got - wanted).norm() / wanted.norm())
        if not error < MAX_RELATIVE_ERROR:
            raise ValueError(f"products of {rows} rows have a relative error of {error:.0%}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the check; raises if it fails.

    Args:
        arguments: name of the quantisation and of the device; `None` for those of the command line.
    """
    kind, device = sys.argv[1:] if arguments is None else arguments
    run_kernel(Quantization(kind), torch.device(device))


def _refusal(kind: Quantization, device: torch.device, reason: str) -> CheckpointError:
    if "bitsandbytes" in reason and "No module" in reason:
        return CheckpointError(
            f"{kind.value} needs bitsandbytes, which is not installed: "
            "pip install bitsandbytes accelerate"
        )
    return CheckpointError(
        f"{kind.value} does not run on {device} ({reason}). bitsandbytes does not work here: "
        f"{REMEDY}"
    )


if __name__ == "__main__":
    main()
