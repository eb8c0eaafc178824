"""Explanation of import errors: which library is missing or does not fit, and how to install it.

Imports only the standard library, since any other may be missing.
"""

from __future__ import annotations

import importlib
import re
import sys
from importlib.metadata import PackageNotFoundError, version

__all__ = ["REQUIREMENTS", "explain_import_error", "run_main"]

UNUSABLE = 2  # exit code: the program could not start, as with a wrong argument
DOCS = "docs/install.md has the steps"

REQUIREMENTS: dict[str, str] = {
    "accelerate": "accelerate>=1.10,<1.16",
    "av": "av>=14.1,<19",
    "bitsandbytes": "bitsandbytes>=0.49,<0.51",
    "cv2": "opencv-python-headless>=4.9.0.80,<5.1",
    "httpx": "httpx>=0.27,<1",
    "paho": "paho-mqtt>=2.0,<3",
    "rosbags": "rosbags>=0.11,<0.12",
    "shtab": "shtab>=1.7,<2",
    "espeakng_loader": "espeakng-loader>=0.2,<0.3",
    "matplotlib": "matplotlib>=3.9,<3.12",
    "numpy": "numpy>=1.26,<2.5",
    "onnx": "onnx>=1.17,<1.24",
    "onnxruntime": "onnxruntime>=1.20,<1.33",
    "peft": "peft>=0.18,<0.22",
    "PIL": "pillow>=10,<14",
    "rich": "rich>=13,<16",
    "safetensors": "safetensors>=0.8,<0.9",
    "sounddevice": "sounddevice>=0.5,<0.6",
    "soxr": "soxr>=0.5,<1.2",
    "torch": "torch>=2.8,<2.16",
    "transformers": "transformers>=5.20,<5.25",
    "yaml": "pyyaml>=6.0.1,<7",
}
"""Name of the module -> requirement for pip, as in pyproject.toml."""

ROS_MODULES = (
    *("ament_index_python", "builtin_interfaces", "diagnostic_msgs", "lifecycle_msgs"),
    *("rcl_interfaces", "rclpy", "rosgraph_msgs", "sensor_msgs", "std_msgs", "std_srvs"),
)
OUR_MESSAGES = ("roma_ros.msg", "roma_ros.srv", "roma_ros.action")
SYSTEM_PACKAGES = {"libGL.so.1": "libgl1", "libgthread-2.0.so.0": "libglib2.0-0"}
_SHARED_OBJECT = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file")


def explain_import_error(error: ImportError) -> str | None:
    """Return a sentence on what is missing and how to install it; `None` for an unknown module.

    A missing module of this package is a bug, and not explained. If a library raised an error of
    its own because it could not import another one, the sentence is about the other one.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ImportError) and (sentence := _explain(cause)) is not None:
            return sentence
        cause = cause.__cause__ or cause.__context__
    return None


def _explain(error: ImportError) -> str | None:
    if (found := _SHARED_OBJECT.search(str(error))) is not None:
        package = SYSTEM_PACKAGES.get(found[1])
        remedy = f"`apt install {package}`" if package else "install the package that holds it"
        return f"the system library {found[1]} is missing: {remedy}; {DOCS}"
    name = error.name or ""
    if name in OUR_MESSAGES:
        return (
            "roma_ros's messages are not built, or their workspace is not sourced: `colcon build "
            "--packages-select roma_ros`, then `source install/setup.bash`"
        )
    root = name.partition(".")[0]
    if root in ROS_MODULES:
        return (
            f"{root} of ROS 2 is not found: `source /opt/ros/<distro>/setup.bash` first; without "
            f"ROS 2, `roma run` needs none of it. {DOCS[0].upper()}{DOCS[1:]}"
        )
    if (requirement := REQUIREMENTS.get(root)) is None:
        return None
    remedy = f'`{_pip()} install "{requirement}"`; {DOCS}'
    if isinstance(error, ModuleNotFoundError) and name == root:
        return f"the Python library {root} is missing: {remedy}"
    return f"{_installed(requirement)} does not fit ({error}): {remedy}"


def run_main(module: str) -> int:
    """Import `module` and run its `main`; print one line if a library is missing.

    Args:
        module: absolute dotted name, such as `roma_ros.nodes.roma_node`.

    Returns:
        The exit code.
    """
    try:
        code: int = importlib.import_module(module).main()
    except ImportError as error:
        if (sentence := explain_import_error(error)) is None:
            raise
        print(f"{module.rpartition('.')[2]}: error: {sentence}", file=sys.stderr)
        return UNUSABLE
    return code


def _installed(requirement: str) -> str:
    package = re.split(r"[<>=]", requirement, maxsplit=1)[0]
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} as it is installed"


def _pip() -> str:
    """Return the command of this Python's pip, whatever `pip` is on the path."""
    return f"{sys.executable} -m pip" if sys.executable else "pip"
