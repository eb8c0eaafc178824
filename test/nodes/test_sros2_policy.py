"""config/sros2/roma.policy.xml: of the format that sros2 reads, and what the running nodes need."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest
import rclpy
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from roma_ros.msg import Alert, Narration, StreamEvent
from std_msgs.msg import String

from roma_ros.nodes.audio_input import FormatTopic
from roma_ros.nodes.conversions import IMAGE_TRANSPORTS

from ..clips import Clip, write_clip
from .conftest import until

# The format 0.2.0 as the article "ROS 2 Access Control Policies" describes it: of each element its
# attributes that must be there, those that may be there, and its children.
ALLOW_OR_DENY = {"ALLOW", "DENY"}
RULES = {
    "topics": ({"publish", "subscribe"}, "topic"),
    "services": ({"reply", "request"}, "service"),
    "actions": ({"call", "execute"}, "action"),
}
FORMAT: dict[str, tuple[set[str], set[str], set[str]]] = {
    "policy": ({"version"}, set(), {"enclaves"}),
    "enclaves": (set(), set(), {"enclave"}),
    "enclave": ({"path"}, set(), {"profiles"}),
    "profiles": (set(), {"type"}, {"profile"}),
    "profile": ({"ns", "node"}, set(), set(RULES)),
    **{name: (set(), attributes, {child}) for name, (attributes, child) in RULES.items()},
    **{child: (set(), set(), set()) for _, child in RULES.values()},
}
LEAVES = {child for _, child in RULES.values()}


def violations(element: ElementTree.Element) -> Iterator[str]:
    """What is not as the format has it, in this element and below it."""
    required, optional, children = FORMAT[element.tag]
    for name in required - element.attrib.keys():
        yield f"<{element.tag}> has no {name}"
    for name in element.attrib.keys() - required - optional:
        yield f"<{element.tag}> has {name}"
    if element.tag == "policy" and element.get("version") != "0.2.0":
        yield f"version is {element.get('version')}"
    if element.tag in RULES:
        for name, value in element.attrib.items():
            if value not in ALLOW_OR_DENY:
                yield f"{name} is {value}"
    if element.tag in LEAVES:
        if not (element.text or "").strip() or element.text != (element.text or "").strip():
            yield f"<{element.tag}> is {element.text!r}"
    elif not len(element) and element.tag != "profile":
        yield f"<{element.tag}> is empty"
    if element.tag == "policy" and len(element) > 1:
        yield "<policy> has more than its enclaves"
    for child in element:
        if child.tag in children:
            yield from violations(child)
        else:
            yield f"<{child.tag}> in <{element.tag}>"


@dataclass
class Rights:
    """What a profile allows, or what a node has: full names, without what is the same for all."""

    publish: set[str] = field(default_factory=set)
    subscribe: set[str] = field(default_factory=set)
    reply: set[str] = field(default_factory=set)
    request: set[str] = field(default_factory=set)
    execute: set[str] = field(default_factory=set)
    call: set[str] = field(default_factory=set)

    @classmethod
    def of_profile(cls, profile: ElementTree.Element, namespace: str) -> Rights:
        """What it allows, in another namespace than the /."""
        rights = cls()
        for rule in profile:
            for privilege, value in rule.attrib.items():
                assert value == "ALLOW"
                names = {_full(child.text or "", profile, namespace) for child in rule}
                getattr(rights, privilege).update(names)
        return rights

    @classmethod
    def of_node(cls, observer: Node, name: str, namespace: str) -> Rights:
        """What a running node offers and uses, as the graph knows it."""
        asked = (name, namespace or "/")
        try:
            published = dict(observer.get_publisher_names_and_types_by_node(*asked))
            subscribed = dict(observer.get_subscriber_names_and_types_by_node(*asked))
            served = dict(observer.get_service_names_and_types_by_node(*asked))
            called = dict(observer.get_client_names_and_types_by_node(*asked))
        except NodeNameNonExistentError:
            return cls()
        return cls(
            publish={name for name in published if "/_action/" not in name},
            subscribe={name for name in subscribed if "/_action/" not in name},
            reply={name for name in served if "/_action/" not in name},
            request={name for name in called if "/_action/" not in name},
            execute={name.partition("/_action/")[0] for name in served if "/_action/" in name},
            call={name.partition("/_action/")[0] for name in called if "/_action/" in name},
        )


NodeNameNonExistentError = rclpy_implementation.NodeNameNonExistentError
COMMON = {"/rosout", "/parameter_events", "/diagnostics", "/clock"}


def _full(name: str, profile: ElementTree.Element, namespace: str) -> str:
    if name in COMMON:
        return name
    if name.startswith("~/"):
        return f"{namespace}/{profile.get('node')}{name[1:]}"
    return f"{namespace}{name}" if name.startswith("/") else f"{namespace}/{name}"


@pytest.fixture(scope="module")
def policy(repository: Path) -> ElementTree.Element:
    return ElementTree.parse(repository / "config" / "sros2" / "roma.policy.xml").getroot()


def profile(policy: ElementTree.Element, enclave: str, node: str) -> ElementTree.Element:
    """A profile of the policy."""
    found = policy.find(f"enclaves/enclave[@path='{enclave}']/profiles/profile[@node='{node}']")
    assert found is not None
    return found


def test_the_policy_is_of_the_format_that_sros2_reads(policy):
    assert not list(violations(policy))
    paths = [enclave.get("path") for enclave in policy.iter("enclave")]
    assert paths == ["/roma/node", "/roma/sensors", "/roma/operator", "/roma/subscriber"]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('version="0.2.0"', 'version="0.1.0"', "version is 0.1.0"),
        ('execute="ALLOW"', 'execute="allow"', "execute is allow"),
        ('execute="ALLOW"', 'reply="ALLOW"', "<actions> has reply"),
        (' node="roma_client"', "", "<profile> has no node"),
        ("<action>~/ask</action>", "<service>~/ask</service>", "<service> in <actions>"),
        ("<action>~/ask</action>", "", "<actions> is empty"),
        ("<action>~/ask</action>", "<action> ~/ask</action>", "<action> is ' ~/ask'"),
    ],
)
def test_the_check_of_the_format_finds_what_is_wrong(repository: Path, right, wrong, said):
    text = (repository / "config" / "sros2" / "roma.policy.xml").read_text(encoding="utf-8")
    assert right in text
    assert list(violations(ElementTree.fromstring(text.replace(right, wrong)))) == [said]


@pytest.mark.parametrize("transport", ["raw", "compressed"])
def test_the_node_may_do_what_it_does_and_nothing_else_is_named(
    policy, make_roma, make_robot, namespace, transport
):
    compressed = transport == "compressed"
    topic = "image/compressed" if compressed else "image"
    robot = make_robot(compressed=compressed, image_topic=topic)
    robot.meet(make_roma({"use_sim_time": True, "image_transport": transport}))
    allowed = Rights.of_profile(profile(policy, "/roma/node", "roma"), namespace)
    of_other_transports = {
        f"{namespace}/image" + ("" if other == "raw" else f"/{other}")
        for other in IMAGE_TRANSPORTS
        if other != transport
    } | {f"{namespace}/{FormatTopic(String, print).name}"}
    assert of_other_transports <= allowed.subscribe
    allowed.subscribe -= of_other_transports
    until(
        lambda: Rights.of_node(robot.node, "roma", namespace) == allowed,
        f"{Rights.of_node(robot.node, 'roma', namespace)} is {allowed}",
        timeout=10.0,
    )


def test_an_operator_may_do_what_the_client_does(policy, robot, namespace):
    """Client of the robot: RomaClient, in the namespace / as always."""
    allowed = Rights.of_profile(profile(policy, "/roma/operator", "roma_client"), namespace)
    found = until(lambda: rights_of_client(robot.node, namespace), "the client is known")
    allowed.subscribe -= {f"{namespace}/roma/alert_text", f"{namespace}/roma/narration_text"}
    allowed.subscribe -= {"/clock"}  # with use_sim_time
    assert found.request == allowed.request
    assert found.call == allowed.call
    assert found.subscribe == allowed.subscribe
    assert found.publish == allowed.publish
    own = {name.replace(f"{namespace}/roma_client", "/roma_client") for name in allowed.reply}
    assert found.reply == own


def rights_of_client(observer: Node, namespace: str) -> Rights | None:
    """Of all clients there are; the one of this namespace uses names of its own."""
    rights = Rights.of_node(observer, "roma_client", "")
    for names in (rights.request, rights.call, rights.subscribe):
        names &= {name for name in names if name.startswith(namespace) or name in COMMON}
    return rights if len(rights.request) > 10 and rights.call and rights.reply else None


def test_a_subscriber_may_hear_and_ask_for_nothing(policy, ros, robot, namespace):
    allowed = Rights.of_profile(profile(policy, "/roma/subscriber", "roma_subscriber"), namespace)
    node = rclpy.create_node("roma_subscriber", namespace=namespace, context=ros)
    types = {"alert": Alert, "narration": Narration, "stream": StreamEvent}
    types |= {"alert_text": String, "narration_text": String}
    for name, message_type in types.items():
        node.create_subscription(message_type, f"{namespace}/roma/{name}", print, 10)
    allowed.subscribe -= {"/clock"}  # with use_sim_time
    try:
        until(
            lambda: Rights.of_node(robot.node, "roma_subscriber", namespace) == allowed,
            f"the subscriber has what it may have: {allowed}",
            timeout=10.0,
        )
    finally:
        node.destroy_node()
    assert not allowed.request
    assert not allowed.call


def test_media_node_may_do_what_it_does(policy, robot, namespace, tmp_path):
    clip = write_clip(tmp_path / "clip.mp4", Clip(seconds=2.0))
    command = [sys.executable, "-m", "roma_ros.nodes.media_node", "--ros-args", "-r"]
    command += [f"__ns:={namespace}", "-p", f"path:={clip}", "-p", "loop:=true"]
    allowed = Rights.of_profile(profile(policy, "/roma/sensors", "media"), namespace)
    allowed.publish -= {f"{namespace}/image/compressed"}
    allowed.subscribe -= {"/clock"}
    process = subprocess.Popen(command)
    try:
        until(
            lambda: Rights.of_node(robot.node, "media", namespace) == allowed,
            f"media_node has what it may have: {allowed}",
        )
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20.0)


def test_devices_may_do_what_media_node_may_for_their_sensor(policy):
    rights = {
        name: Rights.of_profile(profile(policy, "/roma/sensors", name), "")
        for name in ("media", "camera", "microphone")
    }
    pictures, sound = {"/image", "/image/compressed"}, {"/audio"}
    assert rights["camera"].publish == rights["media"].publish - sound
    assert rights["microphone"].publish == rights["media"].publish - pictures
