"""ROS that cannot start is told in one line, and is a start that failed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roma_ros.nodes.start_errors import describe_start_error

NODES = ["roma_node", "media_node", "camera_node", "microphone_node"]
ENFORCED = {"ROS_SECURITY_ENABLE": "true", "ROS_SECURITY_STRATEGY": "Enforce"}


def start(node: str, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Exit status of a node, and what it has said without rcl's own log."""
    command = [sys.executable, "-m", f"roma_ros.nodes.{node}", "--ros-args", *arguments]
    process = subprocess.run(
        command,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60.0,
    )
    return process.returncode, [line for line in process.stdout.splitlines() if "[rcl]" not in line]


@pytest.mark.parametrize("node", NODES)
def test_security_that_is_enforced_without_a_keystore(node):
    status, said = start(node, **ENFORCED)
    assert status == 2
    (line,) = said
    assert line.startswith("cannot start: ROS security is enforced")
    assert "ROS_SECURITY_KEYSTORE is not set" in line


def test_a_keystore_without_the_enclave(tmp_path: Path):
    status, said = start("media_node", **ENFORCED, ROS_SECURITY_KEYSTORE=str(tmp_path))
    assert status == 2
    (line,) = said
    assert f"'{tmp_path}/enclaves' does not exist" in line
    assert "docs/security_ros2.md" in line
    assert ".c:" not in line


def test_a_dds_that_was_built_without_security(tmp_path: Path):
    """As that of the wheels; one that has it says that the enclave is incomplete."""
    (tmp_path / "enclaves" / "roma").mkdir(parents=True)
    secured = ENFORCED | {"ROS_SECURITY_KEYSTORE": str(tmp_path)}
    status, said = start("media_node", "--enclave", "/roma", **secured)
    assert status == 2
    (line,) = said
    assert "the ROS wheels from PyPI are such" in line or "SECURITY ERROR" in line


def test_a_domain_that_is_no_number():
    status, said = start("media_node", ROS_DOMAIN_ID="abc")
    assert (status, said) == (
        2,
        [
            "cannot start: ROS_DOMAIN_ID is not an integral number; set ROS_DOMAIN_ID to a number "
            "from 0 to 101"
        ],
    )


def test_logs_that_cannot_be_written():
    status, said = start("media_node", ROS_LOG_DIR="/proc/1/none")
    assert status == 2
    assert said[-1].startswith("cannot start: Failed to create log directory '/proc/1/none'")
    assert said[-1].endswith("set ROS_LOG_DIR to a folder that can be written")


def test_an_argument_that_ros_does_not_know():
    status, said = start("media_node", "--nope")
    assert (status, said) == (2, ["cannot start: there are no such ROS arguments: ['--nope']"])


def test_an_error_without_words_is_given_as_it_is(monkeypatch):
    monkeypatch.delenv("ROS_SECURITY_ENABLE", raising=False)
    error = RuntimeError("failed to initialize rcl: error not set")
    assert describe_start_error(error) == "failed to initialize rcl: error not set"
