"""GPTQ: whether it can be done here."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from roma_ros.quantize.errors import RecipeError

__all__ = ["check_gptq"]

NEEDED = ("optimum", "gptqmodel")


def check_gptq() -> None:
    """Refuse: the libraries that fit GPTQ weights do not go with the torch that this package has.

    Raises:
        RecipeError: always, for now; it says what is missing and what to take instead.
    """
    missing = [name for name in NEEDED if not _installed(name)]
    state = f"{' and '.join(missing)} not installed" if missing else "not tried with this package"
    raise RecipeError(
        f"the recipe gptq4 cannot be made here ({state}). It needs optimum and gptqmodel, whose "
        "versions ask for other versions of torch, numpy and pillow than this package is tested "
        "with: see docs/quantize.md. Take the recipe nf4, which has 4 bits a weight too"
    )


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
