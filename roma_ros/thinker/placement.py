"""Device and dtype of a model."""

from __future__ import annotations

import torch

__all__ = ["resolve_device", "resolve_dtype"]

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def resolve_device(name: str) -> torch.device:
    """Return the device of a name: `auto` (CUDA if available, else CPU), `cpu`, `cuda`, `cuda:N`.

    Raises:
        ValueError: the name is not one of these, or torch sees no CUDA device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device is {name!r}; expected auto, cpu, cuda or cuda:N") from error
    if device.type not in ("cpu", "cuda"):  # `meta` holds no data, the others were never tried
        raise ValueError(f"device is {name!r}; expected auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device is {name!r}, but torch sees no CUDA device; use cpu or auto")
    return device


def resolve_dtype(name: str, device: torch.device) -> torch.dtype:
    """Return the dtype of a name; `auto` is bfloat16 on CUDA and float32 elsewhere.

    Raises:
        ValueError: the name is not `auto`, `float32`, `bfloat16` or `float16`.
    """
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in DTYPES:
        raise ValueError(f"dtype is {name!r}; expected auto or one of {sorted(DTYPES)}")
    return DTYPES[name]
