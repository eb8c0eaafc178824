"""Parameters that were given and do not exist are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from rclpy.context import Context
from rclpy.node import Node

from roma_ros.nodes.parameter_spec import declare_parameters
from roma_ros.nodes.parameters import SPECS
from roma_ros.nodes.undeclared import undeclared_parameters


@pytest.fixture
def node_with(ros: Context, namespace: str) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(*arguments: str) -> Node:
        given = [part for argument in arguments for part in ("-p", argument)]
        node = Node("roma", context=ros, namespace=namespace, cli_args=["--ros-args", *given])
        nodes.append(node)
        declare_parameters(node, SPECS, lambda: None)
        return node

    yield make
    for node in nodes:
        node.destroy_node()


def test_a_misspelt_parameter_is_told_with_the_name_that_was_meant(node_with):
    node = node_with("alert.treshold:=0.9", "nothing_like_it:=1", "alert.window:=2")
    assert undeclared_parameters(node) == [
        "alert.treshold (did you mean alert.threshold?)",
        "nothing_like_it",
    ]


def test_parameters_of_rclpy_itself_are_not(node_with):
    assert undeclared_parameters(node_with("use_sim_time:=true", "model:=roma_tiny")) == []
