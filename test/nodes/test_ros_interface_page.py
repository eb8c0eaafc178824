"""docs/ros_interface.md names all that the node has."""

from __future__ import annotations

import re
from pathlib import Path

from roma_ros.nodes.parameters import SPECS

from .conftest import until

RCLPYS_OWN = {"rosout", "parameter_events", "describe_parameters", "get_parameter_types"} | {
    *("get_parameters", "list_parameters", "set_parameters", "set_parameters_atomically"),
    *("get_type_description",),
}


def test_the_page_names_every_topic_service_and_action(
    make_roma, robot, namespace, repository: Path
):
    page = (repository / "docs" / "ros_interface.md").read_text(encoding="utf-8")
    robot.meet(make_roma())
    node = robot.node
    named = set(re.findall(r"`~?/?([a-z_/]+)`", page))
    inputs = dict(node.get_subscriber_names_and_types_by_node("roma", namespace))
    outputs = dict(node.get_publisher_names_and_types_by_node("roma", namespace))
    services = dict(node.get_service_names_and_types_by_node("roma", namespace))
    assert f"{namespace}/roma/ask" in until(lambda: services, "the services")
    for name, (full_type, *_) in {**inputs, **outputs, **services}.items():
        short = name.removeprefix(f"{namespace}/").removeprefix("roma/").removeprefix("/")
        if short in RCLPYS_OWN:
            continue
        action, _, hidden = short.partition("/_action/")
        assert action in named, f"{name} ({full_type}) is not on the page"
        package, _, message = full_type.split("/")
        if package != "lifecycle_msgs" and not hidden:
            assert message in page, f"the type of {name} is not on the page"


def test_the_page_names_every_parameter_and_which_are_live(repository: Path):
    page = (repository / "docs" / "ros_interface.md").read_text(encoding="utf-8")
    for spec in SPECS:
        assert (f"**`{spec.name}`**" if spec.live else f" `{spec.name}`") in page, spec.name
