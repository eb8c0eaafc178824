"""Checks of the ROS graph: unexpected publishers of an input, nodes of the same name."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.node import Node
from rclpy.topic_endpoint_info import TopicEndpointInfo

from roma_ros.nodes.input_monitor import InputMonitor

__all__ = ["describe_publishers", "graph_problems"]

MOST_NAMED = 5  # publishers in a text


def graph_problems(node: Node, monitors: Sequence[InputMonitor]) -> list[str]:
    """Return the problems of the graph around a node, one sentence each.

    Args:
        node: the node whose inputs are checked.
        monitors: its inputs.

    Returns:
        Sentences on inputs with several publishers (their messages are mixed in one stream), on
        publishers of another type (nothing of them arrives), and on nodes of the same name (each
        of them answers the services). Empty where all is well.
    """
    problems = []
    for monitor in monitors:
        publishers = node.get_publishers_info_by_topic(monitor.topic)
        fitting = [p for p in publishers if p.topic_type == monitor.message_type]
        others = [p for p in publishers if p.topic_type != monitor.message_type]
        if len(fitting) > 1:
            problems.append(
                f"{monitor.topic} has {len(fitting)} publishers ({_names(fitting)}); expected 1: "
                "their messages are mixed in one stream. Remap all but one"
            )
        if others:
            types = " and ".join(sorted({p.topic_type for p in others}))
            problems.append(
                f"{_names(others)} publishes {types} on {monitor.topic}; expected "
                f"{monitor.message_type}: nothing of it arrives. Remap it, or set the parameter "
                "of the type (image_transport, audio_type)"
            )
    own = (node.get_name(), node.get_namespace())
    if (count := node.get_node_names_and_namespaces().count(own)) > 1:
        problems.append(
            f"{count} nodes are named {node.get_fully_qualified_name()}; expected 1: each of them "
            "answers requests and publishes alerts. End one, or start it with another __node"
        )
    return problems


def describe_publishers(node: Node, topic: str, message_type: str) -> str:
    """Return a topic's publishers with their QoS, and why nothing may arrive.

    For a warning that an input is silent.
    """
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        return "it has no publisher; start the driver, or remap the topic to where it publishes"
    described = "; ".join(_describe(publisher) for publisher in publishers[:MOST_NAMED])
    if {publisher.topic_type for publisher in publishers} - {message_type}:
        return f"its publishers are {described}; it expects {message_type}"
    return (
        f"its publishers are {described}, and their type and QoS fit. If they do publish, DDS "
        "loses the data: a driver of another user or in another container shares no memory with "
        "this node (start both as one user, or this node with config/fastdds_udp.xml), or the "
        "messages are larger than the transport's buffers (config/fastdds.xml on both sides); see "
        "docs/reliability.md"
    )


def _names(publishers: Sequence[TopicEndpointInfo]) -> str:
    names = [f"{p.node_namespace.rstrip('/')}/{p.node_name}" for p in publishers[:MOST_NAMED]]
    more = len(publishers) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _describe(publisher: TopicEndpointInfo) -> str:
    qos = publisher.qos_profile
    name = f"{publisher.node_namespace.rstrip('/')}/{publisher.node_name}"
    return (
        f"{name} ({publisher.topic_type}, {qos.reliability.name.lower()}, "
        f"{qos.durability.name.lower()})"
    )
