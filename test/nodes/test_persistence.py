"""Where a node keeps what outlives it, by its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rclpy.exceptions import InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from roma_ros.journal import DEFAULT_KINDS, JournalConfig
from roma_ros.nodes.parameter_spec import declare_parameters
from roma_ros.nodes.persistence import PERSISTENCE_SPECS, Persistence
from roma_ros.watch_file import WatchFileError


@pytest.fixture
def persistence(ros, namespace):
    nodes: list[Node] = []

    def make(**values: Any) -> Persistence:
        overrides = [Parameter(n.replace("__", "."), value=v) for n, v in values.items()]
        nodes.append(Node("roma", context=ros, namespace=namespace, parameter_overrides=overrides))
        declare_parameters(nodes[-1], PERSISTENCE_SPECS, lambda: None)
        return Persistence.of(nodes[-1])

    yield make
    for node in nodes:
        node.destroy_node()


def test_the_defaults_are_by_the_nodes_name(persistence, monkeypatch, tmp_path, namespace):
    monkeypatch.setenv("ROS_HOME", str(tmp_path))
    found = persistence()
    folder = tmp_path / "roma" / f"{namespace[1:]}.roma"
    assert found.journal == JournalConfig(folder=folder / "journal", kinds=DEFAULT_KINDS)
    assert found.state_file == folder / "watches.json"
    assert found.restore
    assert found.watches == ()
    monkeypatch.delenv("ROS_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    home = Path("/home/somebody/.ros/roma", f"{namespace[1:]}.roma")
    assert persistence().state_file == home / "watches.json"


def test_empty_switches_off_and_a_path_is_taken(persistence, tmp_path):
    found = persistence(journal__folder="", watches__state_file="")
    assert found.journal is None
    assert found.state_file is None
    found = persistence(journal__folder=str(tmp_path), journal__kinds=[""], journal__files=3)
    assert found.journal == JournalConfig(folder=tmp_path, files=3, kinds=())


@pytest.mark.parametrize(
    "values", [{"journal__kinds": ["hum"]}, {"journal__files": 0}, {"journal__max_bytes": 1}]
)
def test_what_makes_no_sense_is_refused_at_start(persistence, values):
    with pytest.raises(InvalidParameterValueException):
        persistence(**values)


def test_a_file_of_watches_is_read_or_refused(persistence, tmp_path):
    file = tmp_path / "mine.yaml"
    with pytest.raises(WatchFileError, match="No such file"):
        persistence(watches_file=str(file))
    file.write_text("version: 1\nwatches:\n- {id: door, instruction: the door}\n")
    (door,) = persistence(watches_file=str(file)).watches
    assert door.id == "door"
