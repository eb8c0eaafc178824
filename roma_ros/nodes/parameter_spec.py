"""Specifications of ROS parameters: declared with a descriptor, validated whenever they are set."""

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

__all__ = ["ParameterSpec", "declare_parameters"]

Value = bool | int | float | str | list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSpec:
    """Specification of one parameter.

    Attributes:
        name: ROS name; dots separate groups.
        default: default value, which also gives the parameter's type.
        description: what the parameter does; shown by `ros2 param describe`.
        unit: unit of the value, such as "s" or "Hz"; empty: none.
        low, high: range of a number, both ends included.
        choices: the allowed strings; empty: any string.
        live: whether the parameter may be set while the node is configured.
        read_only: whether the parameter is fixed once the node has started.
        any_type: whether values of other types than the default's are allowed, such as "auto" or a
            number; `check` decides which.
        check: returns what is wrong with a value, or `None` if it is valid.
    """

    name: str
    default: Value
    description: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    read_only: bool = False
    any_type: bool = False
    check: Callable[[Any], str | None] | None = None

    def descriptor(self) -> ParameterDescriptor:
        """Return what `ros2 param describe` shows; rclpy enforces its range."""
        descriptor = ParameterDescriptor(
            description=f"{self.description} Unit: {self.unit}." if self.unit else self.description,
            dynamic_typing=self.any_type,
            read_only=self.read_only,
        )
        if self.choices:
            descriptor.additional_constraints = f"one of: {', '.join(self.choices)}"
        if self.low is not None and self.high is not None:
            if isinstance(self.default, int):
                integers = IntegerRange(from_value=int(self.low), to_value=int(self.high))
                descriptor.integer_range = [integers]
            else:
                floats = FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
                descriptor.floating_point_range = [floats]
        return descriptor

    def error(self, value: Any) -> str | None:
        """Return what is wrong with a value of the right type and range, or `None`."""
        if self.choices and value not in self.choices:
            return f"{self.name} is {value!r}; expected one of {', '.join(self.choices)}"
        reason = self.check(value) if self.check else None
        return None if reason is None else f"{self.name} {reason}"


def declare_parameters(
    node: Node, specs: Iterable[ParameterSpec], why_locked: Callable[[], str | None]
) -> dict[str, ParameterSpec]:
    """Declare parameters on a node, with a callback that validates every change.

    Args:
        node: the node to declare them on.
        specs: specifications of the parameters.
        why_locked: returns why parameters that are not live cannot be set now, or `None` if they
            can.

    Returns:
        The specifications by name.

    Raises:
        rclpy.exceptions.InvalidParameterValueException: an override is not valid.
        rclpy.exceptions.InvalidParameterTypeException: an override has the wrong type.
    """
    by_name = {spec.name: spec for spec in specs}

    def check(parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            spec = by_name.get(parameter.name)
            if spec is None:
                continue
            reason = spec.error(parameter.value)
            if reason is None and not spec.live and node.has_parameter(spec.name):
                reason = why_locked()
                reason = reason and f"{spec.name} cannot be set now: {reason}"
            if reason is not None:
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(check)
    for spec in by_name.values():
        node.declare_parameter(spec.name, spec.default, spec.descriptor())
    return by_name
