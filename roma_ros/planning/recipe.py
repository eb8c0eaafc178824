"""How weights are stored, and what computing with them moves."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.planning.errors import PlanningError

__all__ = ["RECIPES", "Recipe", "find_recipe"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to store weights; what is not named keeps the dtype computed in.

    Attributes:
        name: what `roma plan --recipe` takes.
        weight_bytes: of one weight of the backbone's linear layers, with its share of the scales;
            `None`: the dtype's.
        encoder_bytes: of one weight of the two encoders; `None`: the dtype's.
        unpacks: for more than one token, weights are first written out in the dtype computed in,
            and read again: what bitsandbytes does with NF4.
        calls: operations that each linear layer costs beside its product.
    """

    name: str
    weight_bytes: float | None = None
    encoder_bytes: float | None = None
    unpacks: bool = False
    calls: int = 0

    def stored(self, dtype_bytes: int) -> float:
        """Bytes of one weight of the backbone's linear layers."""
        return dtype_bytes if self.weight_bytes is None else self.weight_bytes

    def encoder(self, dtype_bytes: int) -> float:
        """Bytes of one weight of the encoders."""
        return dtype_bytes if self.encoder_bytes is None else self.encoder_bytes

    def moved(self, dtype_bytes: int, tokens: int) -> float:
        """Bytes that one weight moves when `tokens` are computed at once."""
        unpacked = 2 * dtype_bytes if self.unpacks and tokens > 1 else 0
        return self.stored(dtype_bytes) + unpacked


# NF4, double quantised: blocks of 64 share 8 bits, 256 such blocks 32. INT8: a float32 a row.
# GPTQ: groups of 128 share a float16 scale and 4 bits of zero. Arithmetic is taken to be as fast in
# all of them.
NF4 = 1 / 2 + 1 / 64 + 4 / (64 * 256)
_ALL = (
    Recipe(name="none"),
    Recipe(name="nf4", weight_bytes=NF4, unpacks=True, calls=3),
    Recipe(name="int8", weight_bytes=1.001, calls=6),
    Recipe(name="gptq4", weight_bytes=1 / 2 + 2.5 / 128),
    Recipe(name="onnx-int8", encoder_bytes=1.0),
    Recipe(name="nf4-onnx-int8", weight_bytes=NF4, encoder_bytes=1.0, unpacks=True, calls=3),
)
RECIPES = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        PlanningError: there is none.
    """
    if name not in RECIPES:
        raise PlanningError(f"there is no recipe {name!r}; expected one of {', '.join(RECIPES)}")
    return RECIPES[name]
