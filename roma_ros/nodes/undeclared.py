"""Warning of parameters that were set at start and that the node does not have."""

from __future__ import annotations

from difflib import get_close_matches

from rclpy.node import Node

__all__ = ["undeclared_parameters", "warn_of_undeclared"]

# Declared by rclpy itself, or by other parts of a node when they are made.
OTHERS = ("qos_overrides.", "start_type_description_service", "use_sim_time")


def undeclared_parameters(node: Node) -> list[str]:
    """Return the parameters set on the command line or in a file that a node does not have.

    Returns:
        One text per parameter: its name and, if there is one, a similar name that exists.
    """
    # rclpy 7.1 has no public view of the overrides; without this attribute nothing is reported.
    given = getattr(node, "_parameter_overrides", {})
    declared: list[str] = list(node.list_parameters([], 0).names)
    unknown = (name for name in given if name not in declared and not name.startswith(OTHERS))
    return [_described(name, declared) for name in sorted(unknown)]


def warn_of_undeclared(node: Node) -> None:
    """Log a warning of parameters that were set at start and do not exist."""
    if unknown := undeclared_parameters(node):
        node.get_logger().warning(
            f"unknown parameters: {', '.join(unknown)}; "
            f"`ros2 param list {node.get_fully_qualified_name()}` lists those that exist"
        )


def _described(name: str, declared: list[str]) -> str:
    alike = get_close_matches(name, declared, n=1)
    return f"{name} (did you mean {alike[0]}?)" if alike else name
