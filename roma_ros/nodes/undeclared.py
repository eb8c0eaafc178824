"""Parameters that were given to a node and that it does not have."""

from __future__ import annotations

from difflib import get_close_matches

from rclpy.node import Node

__all__ = ["undeclared_parameters", "warn_of_undeclared"]

# Declared by rclpy itself, or by other parts of a node when they are made.
OTHERS = ("qos_overrides.", "start_type_description_service", "use_sim_time")


def undeclared_parameters(node: Node) -> list[str]:
    """List what was given on the command line or in a file and is no parameter of the node.

    Returns:
        One text a parameter: its name and, if there is one alike, the name that was meant.
    """
    # rclpy has no public view of what was given; without this attribute nothing is reported.
    given = getattr(node, "_parameter_overrides", {})
    declared: list[str] = list(node.list_parameters([], 0).names)
    unknown = (name for name in given if name not in declared and not name.startswith(OTHERS))
    return [_described(name, declared) for name in sorted(unknown)]


def warn_of_undeclared(node: Node) -> None:
    """Log a warning of parameters that were given and do not exist."""
    if unknown := undeclared_parameters(node):
        node.get_logger().warning(
            f"parameters that were given and do not exist: {', '.join(unknown)}; "
            f"`ros2 param list {node.get_fully_qualified_name()}` shows those that do"
        )


def _described(name: str, declared: list[str]) -> str:
    alike = get_close_matches(name, declared, n=1)
    return f"{name} (did you mean {alike[0]}?)" if alike else name
