"""Storage formats of weights, and the memory traffic of computing with them."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.planning.errors import PlanningError

__all__ = ["WEIGHT_FORMATS", "WeightFormat", "find_weight_format"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFormat:
    """Storage format of a model's weights.

    Attributes:
        name: name for `roma plan --recipe`.
        weight_bytes: bytes of a weight of the backbone's linear layers, with its share of the
            scales; `None` for those of the compute dtype.
        encoder_bytes: bytes of a weight of the two encoders; `None` for those of the compute dtype.
        unpacks: whether weights are written out in the compute dtype and read again before more
            than one token is computed, as bitsandbytes does with NF4.
        calls: torch operations of each linear layer beside its product.
    """

    name: str
    weight_bytes: float | None = None
    encoder_bytes: float | None = None
    unpacks: bool = False
    calls: int = 0

    def stored(self, dtype_bytes: int) -> float:
        """Return the bytes of a stored weight of the backbone's linear layers."""
        return dtype_bytes if self.weight_bytes is None else self.weight_bytes

    def encoder(self, dtype_bytes: int) -> float:
        """Return the bytes of a stored weight of the encoders."""
        return dtype_bytes if self.encoder_bytes is None else self.encoder_bytes

    def moved(self, dtype_bytes: int, tokens: int) -> float:
        """Return the memory traffic in bytes of a weight when `tokens` are computed at once."""
        unpacked = 2 * dtype_bytes if self.unpacks and tokens > 1 else 0
        return self.stored(dtype_bytes) + unpacked


# NF4, double quantised: blocks of 64 share 8 bits, 256 such blocks 32. INT8: a float32 a row.
# GPTQ: groups of 128 share a float16 scale and 4 bits of zero. Arithmetic is taken to be as fast in
# all of them.
NF4 = 1 / 2 + 1 / 64 + 4 / (64 * 256)
_ALL = (
    WeightFormat(name="none"),
    WeightFormat(name="nf4", weight_bytes=NF4, unpacks=True, calls=3),
    WeightFormat(name="int8", weight_bytes=1.001, calls=6),
    WeightFormat(name="gptq4", weight_bytes=1 / 2 + 2.5 / 128),
    WeightFormat(name="onnx-int8", encoder_bytes=1.0),
    WeightFormat(name="nf4-onnx-int8", weight_bytes=NF4, encoder_bytes=1.0, unpacks=True, calls=3),
)
WEIGHT_FORMATS = {form.name: form for form in _ALL}


def find_weight_format(name: str) -> WeightFormat:
    """Return the weight format of that name.

    Raises:
        PlanningError: the name is unknown.
    """
    if name not in WEIGHT_FORMATS:
        raise PlanningError(f"recipe is {name!r}; expected one of {', '.join(WEIGHT_FORMATS)}")
    return WEIGHT_FORMATS[name]
