"""Parameters as data: declared with a descriptor, checked whenever they are set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

__all__ = ["ParameterSpec", "declare"]

Value = bool | int | float | str | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSpec:
    """One parameter of a node.

    Attributes:
        name: its ROS name; dots make groups.
        default: its value if nobody gives one; its type is the parameter's.
        description: what it does, with its unit.
        low, high: range of a number, both ends included.
        choices: the only strings taken; empty: any.
        live: whether it may be set while the node runs.
        read_only: whether it is fixed from the node's start on.
        any_type: whether values of other types than the default's are taken, such as "auto" or a
            number; `check` says which.
        check: says what is wrong with a value, or `None`.
    """

    name: str
    default: Value
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    read_only: bool = False
    any_type: bool = False
    check: Callable[[Any], str | None] | None = None

    def descriptor(self) -> ParameterDescriptor:
        """What `ros2 param describe` shows; rclpy enforces the range."""
        descriptor = ParameterDescriptor(
            description=self.description,
            dynamic_typing=self.any_type,
            read_only=self.read_only,
        )
        if self.choices:
            descriptor.additional_constraints = f"one of: {', '.join(self.choices)}"
        if self.low is not None and self.high is not None:
            if isinstance(self.default, int):
                whole = IntegerRange(from_value=int(self.low), to_value=int(self.high))
                descriptor.integer_range = [whole]
            else:
                span = FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
                descriptor.floating_point_range = [span]
        return descriptor

    def fault(self, value: Any) -> str | None:
        """What is wrong with a value of the right type and range, or `None`."""
        if self.choices and value not in self.choices:
            return f"{self.name} is {value!r}; expected one of {', '.join(self.choices)}"
        reason = self.check(value) if self.check else None
        return None if reason is None else f"{self.name}: {reason}"


def declare(
    node: Node, specs: Iterable[ParameterSpec], locked: Callable[[], str | None]
) -> dict[str, ParameterSpec]:
    """Declare parameters on a node, and refuse what their specs refuse.

    Args:
        locked: why parameters that are not live may not change now, or `None` if they may.

    Raises:
        rclpy.exceptions.InvalidParameterValueException: a given value is refused.
        rclpy.exceptions.InvalidParameterTypeException: a given value has another type.
    """
    by_name = {spec.name: spec for spec in specs}

    def check(parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            spec = by_name.get(parameter.name)
            if spec is None:
                continue
            reason = spec.fault(parameter.value)
            if reason is None and not spec.live and node.has_parameter(spec.name):
                reason = locked()
                reason = reason and f"{spec.name} cannot change now: {reason}"
            if reason is not None:
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(check)
    for spec in by_name.values():
        node.declare_parameter(spec.name, spec.default, spec.descriptor())
    return by_name
