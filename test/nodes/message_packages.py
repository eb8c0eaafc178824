"""Message packages that are not on PyPI, built for a test from the fields that the node knows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["build_messages"]

PACKAGE = """\
<package format="3">
  <name>{name}</name>
  <version>0.0.0</version>
  <description>For a test.</description>
  <maintainer email="nobody@example.org">nobody</maintainer>
  <license>Apache-2.0</license>
  <buildtool_depend>ament_cmake</buildtool_depend>
  <buildtool_depend>rosidl_default_generators</buildtool_depend>
  <depend>std_msgs</depend>
  <exec_depend>rosidl_default_runtime</exec_depend>
  <member_of_group>rosidl_interface_packages</member_of_group>
  <export><build_type>ament_cmake</build_type></export>
</package>
"""
BUILD = """\
cmake_minimum_required(VERSION 3.16)
project({name})
find_package(ament_cmake REQUIRED)
find_package(rosidl_default_generators REQUIRED)
find_package(builtin_interfaces REQUIRED)
find_package(std_msgs REQUIRED)
file(GLOB messages RELATIVE ${{CMAKE_CURRENT_SOURCE_DIR}} msg/*.msg)
rosidl_generate_interfaces(
  ${{PROJECT_NAME}} ${{messages}} DEPENDENCIES builtin_interfaces std_msgs)
ament_package()
"""


def build_messages(folder: Path, name: str, messages: dict[str, str]) -> dict[str, str]:
    """Build a package of messages.

    Args:
        folder: an empty one.
        name: of the package.
        messages: the fields of each, by name.

    Returns:
        The environment of processes that have it installed.
    """
    (folder / "package.xml").write_text(PACKAGE.format(name=name))
    (folder / "CMakeLists.txt").write_text(BUILD.format(name=name))
    (folder / "msg").mkdir()
    for message, fields in messages.items():
        (folder / "msg" / f"{message}.msg").write_text(fields + "\n")
    built = _build(folder)
    python = next(built.glob("lib/python3*/site-packages"))
    environment = dict(os.environ)
    for variable, path in (("PYTHONPATH", python), ("LD_LIBRARY_PATH", built / "lib")):
        environment[variable] = f"{path}:{environment.get(variable, '')}"
    return environment


def _build(folder: Path) -> Path:
    installed = folder / "install"
    wheels = {"AMENT_PREFIX_PATH": sys.prefix, "CMAKE_PREFIX_PATH": sys.prefix}
    python = [f"-D{name}_EXECUTABLE={sys.executable}" for name in ("Python3", "PYTHON")]
    options = [*python, f"-DCMAKE_INSTALL_PREFIX={installed}"]
    for command in (
        ["cmake", "-S", folder, "-B", folder / "build", *options],
        ["cmake", "--build", folder / "build", "--parallel", "2", "--target", "install"],
    ):
        done = subprocess.run(
            command, env={**os.environ, **wheels}, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return installed
