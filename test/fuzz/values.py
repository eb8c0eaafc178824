"""Values at random for the fields of any ROS message, from its own description of them."""

from __future__ import annotations

import array
import importlib
import math
import re
from typing import Any

import numpy as np

__all__ = ["edge_integer", "mutated", "random_bytes", "random_message", "random_text"]

_BITS = re.compile(r"u?int(\d+)")
_SEQUENCE = re.compile(
    r"sequence<(?P<item>.+?)(?:, *(?P<bound>\d+))?>|(?P<array>.+)\[(?P<size>\d+)\]"
)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 3e38, math.inf, -math.inf, math.nan)
_TEXTS = (
    "",
    " ",
    "\n",
    "a",
    "rgb8",
    "é",
    "日本語",
    "\ud7ff",
    "%s%n",
    "../../etc/passwd",
    "\t\x01",
    "0",
)
MAX_ITEMS = 8


def edge_integer(rng: np.random.Generator, bits: int, signed: bool) -> int:
    """An integer of a type: a small one, one near a power of two or a bound, or any."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    kind = rng.integers(4)
    if kind == 0:
        value = int(rng.integers(0, 10))
    elif kind == 1:
        value = 2 ** int(rng.integers(0, bits)) + int(rng.integers(-1, 2))
    elif kind == 2:
        value = low if rng.random() < 0.5 else high
    else:
        value = int.from_bytes(rng.bytes(bits // 8), "little", signed=signed)
    return int(min(max(value, low), high))


def random_bytes(rng: np.random.Generator, most: int = 4096) -> bytes:
    """Bytes of a length that is often short."""
    return rng.bytes(int(most ** rng.random()) - (rng.random() < 0.1))


def random_text(rng: np.random.Generator) -> str:
    """A word that has meaning somewhere, or any characters; sometimes very long."""
    kind = rng.integers(3)
    if kind == 0:
        return str(rng.choice(_TEXTS))
    if kind == 1:
        return "".join(chr(int(code)) for code in rng.integers(1, 0xD7FF, int(rng.integers(0, 30))))
    return "x" * int(10 ** (4 * rng.random()))


def mutated(rng: np.random.Generator, data: bytes) -> bytes:
    """The same bytes with some flipped, cut, doubled, or written over."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        if not changed:
            break
        # Headers are at the front and say the most.
        reach = min(len(changed), 64) if rng.random() < 0.5 else len(changed)
        at = int(rng.integers(reach))
        kind = rng.integers(5)
        if kind <= 1:
            changed[at] ^= 1 << int(rng.integers(8))
        elif kind == 2:
            changed[at : at + 4] = int(edge_integer(rng, 32, False)).to_bytes(4, "big")
        elif kind == 3:
            del changed[at : at + int(rng.integers(1, 64))]
        else:
            changed[at:at] = changed[at : at + int(rng.integers(1, 64))]
    return bytes(changed[: int(rng.integers(len(changed)))] if rng.random() < 0.1 else changed)


def random_message(rng: np.random.Generator, message_type: Any, **fixed: Any) -> Any:
    """A message with all fields at random.

    Args:
        fixed: fields that are not.
    """
    message = message_type()
    for name, kind in message_type.get_fields_and_field_types().items():
        setattr(message, name, fixed[name] if name in fixed else _value(rng, kind))
    return message


def _value(rng: np.random.Generator, kind: str) -> Any:
    many = _SEQUENCE.fullmatch(kind)
    if many is not None:
        return _values(rng, many)
    if kind == "boolean":
        return bool(rng.integers(2))
    if kind in ("octet", "byte"):
        return bytes([int(rng.integers(256))])
    if kind.startswith(("string", "wstring")):
        return random_text(rng)
    if kind in ("float", "double"):
        value = float(rng.choice(_FLOATS)) if rng.random() < 0.5 else float(rng.normal())
        return value if kind == "double" or not math.isfinite(value) else float(np.float32(value))
    bits = _BITS.fullmatch(kind)
    if bits is not None:
        return edge_integer(rng, int(bits[1]), not kind.startswith("u"))
    package, name = kind.split("/")
    return random_message(rng, _message(package, name))


def _values(rng: np.random.Generator, many: re.Match[str]) -> Any:
    item = many["item"] or many["array"]
    if item == "uint8" and many["item"]:
        return array.array("B", random_bytes(rng))
    bound = int(many["bound"] or MAX_ITEMS)
    size = int(many["size"]) if many["size"] else int(rng.integers(0, min(bound, MAX_ITEMS) + 1))
    return [_value(rng, item) for _ in range(size)]


def _message(package: str, name: str) -> Any:
    """The class of a message; goals, results and feedback are parts of their action's class."""
    messages = importlib.import_module(f"{package}.msg")
    if hasattr(messages, name):
        return getattr(messages, name)
    action, _, part = name.rpartition("_")
    return getattr(getattr(importlib.import_module(f"{package}.action"), action), part)
