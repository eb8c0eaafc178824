"""Devices: memory, bandwidth and arithmetic rate, each with its source."""

from __future__ import annotations

from dataclasses import dataclass

from roma_ros.planning.errors import PlanningError

__all__ = ["DEVICES", "GB", "Device", "find_device"]

GB = 10**9
TERA = 10**12
UNCHECKED = "from memory, unchecked"

# Fractions of a data sheet's figures that a program reaches: assumed, not measured. `roma bench`
# measures a device, and `roma plan --measured` compares the two.
BANDWIDTH_REACHED = 0.75
ARITHMETIC_REACHED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """Memory and speed of one device.

    Attributes:
        name: name for `roma plan --device`.
        title: name in reports.
        memory: bytes of memory for weights and caches.
        reserved: bytes of `memory` that the system, ROS and CUDA use.
        bandwidth: memory bandwidth in bytes a second, from the data sheet or measured.
        rate: dense operations a second in the weights' dtype, accumulated in float32.
        call_seconds: seconds of launching one torch operation from Python; assumed for devices
            that were not measured. Small models and single tokens depend on it.
        feature_seconds: seconds of computing a unit's features on the CPU.
        source: source of memory, bandwidth and rate.
        gpu: whether operations are launched ahead of their execution.
        measured: whether bandwidth and rate were measured, not taken from a data sheet.
    """

    name: str
    title: str
    memory: int
    reserved: int
    bandwidth: float
    rate: float
    call_seconds: float
    feature_seconds: float
    source: str
    gpu: bool = True
    measured: bool = False

    @property
    def reached_bandwidth(self) -> float:
        """Bytes a second that a program reaches."""
        return self.bandwidth * (1.0 if self.measured else BANDWIDTH_REACHED)

    @property
    def reached_rate(self) -> float:
        """Operations a second that a program reaches."""
        return self.rate * (1.0 if self.measured else ARITHMETIC_REACHED)

    @property
    def dtype_bytes(self) -> int:
        """Bytes of a weight that is not quantised with dtype `auto`: 2 on a GPU, 4 on a CPU."""
        return 2 if self.gpu else 4


def _jetson(
    name: str, title: str, gigabytes: int, bandwidth: float, tflops: float, source: str
) -> Device:
    """Return a Jetson: memory shared with the CPU; 3 GB reserved for the system, ROS and CUDA."""
    thor = "thor" in name
    return Device(
        name=name,
        title=title,
        memory=gigabytes * GB,
        reserved=3 * GB,
        bandwidth=bandwidth * GB,
        rate=tflops * TERA,
        call_seconds=15e-6 if thor else 25e-6,  # assumed: Arm cores, two to three times a PC's
        feature_seconds=0.025 if thor else 0.040,  # assumed, likewise
        source=source,
    )


def _card(
    name: str, title: str, gigabytes: int, bandwidth: float, tflops: float, source: str
) -> Device:
    """Return a graphics card: 1 GB is reserved for CUDA, libraries and a screen."""
    return Device(
        name=name,
        title=title,
        memory=gigabytes * GB,
        reserved=1 * GB,
        bandwidth=bandwidth * GB,
        rate=tflops * TERA,
        call_seconds=10e-6,  # assumed
        feature_seconds=0.015,  # assumed
        source=source,
    )


# Orin's dense bfloat16 is a quarter of the sparse INT8 operations that NVIDIA gives for the GPU
# alone: without its DLA cores, which this package does not use.
_ALL = (
    _jetson(
        *("orin-nano-8", "Jetson Orin Nano 8 GB (Super)", 8, 102, 16.75),
        source="67 sparse INT8 TOPS, 102 GB/s with JetPack 6.1 and later: NVIDIA's data sheet of "
        "the Orin Nano Super kit, as quoted at brojogopalsapui.com",
    ),
    _jetson(
        *("orin-nx-16", "Jetson Orin NX 16 GB (25 W)", 16, 102.4, 15),
        source="bandwidth " + UNCHECKED + "; rate from 32 tensor cores at 918 MHz "
        "(deviceQuery, gist atinfinity/8cede915), scaled from the AGX Orin's",
    ),
    _jetson(
        *("orin-agx-32", "Jetson AGX Orin 32 GB", 32, 204.8, 26.6),
        source=UNCHECKED + "; rate from 56 tensor cores at 930 MHz, scaled from the 64 GB one's",
    ),
    _jetson(
        *("orin-agx-64", "Jetson AGX Orin 64 GB (MAXN)", 64, 204.8, 42.5),
        source="170 sparse INT8 TOPS of 64 tensor cores: NVIDIA's AGX Orin technical brief, as "
        "quoted at mzph.cn/web/30785; bandwidth " + UNCHECKED,
    ),
    _jetson(
        *("thor-128", "Jetson AGX Thor 128 GB (T5000)", 128, 273, 258.5),
        source="258.5 TFLOPS, 128 GB: huggingface.co/hardware/jetson-t5000; bandwidth " + UNCHECKED,
    ),
    _card(
        *("rtx-3060-12", "GeForce RTX 3060 12 GB", 12, 360, 25.5),
        source="360 GB/s, 12.7 float32 TFLOPS: hmc-tech.com; tensor rate twice that, " + UNCHECKED,
    ),
    _card(
        *("rtx-4060-8", "GeForce RTX 4060 8 GB", 8, 272, 30.2),
        source="272 GB/s: fpsbench.com; 30.23 TFLOPS (bfloat16 tensor, dense): hmc-tech.com",
    ),
    _card(
        *("rtx-4090-24", "GeForce RTX 4090 24 GB", 24, 1008, 165.2),
        source="waredb.com/processor/nvidia-geforce-rtx-4090",
    ),
    _card(
        *("rtx-5090-32", "GeForce RTX 5090 32 GB", 32, 1792, 209.5),
        source="1792 GB/s: spheron.network; a quarter of its 838 sparse TFLOPS with float16 sums",
    ),
    Device(
        name="cpu-2",
        title="two cores of a shared Intel Xeon",
        memory=24 * GB,
        reserved=2 * GB,
        bandwidth=11.8 * GB,
        rate=0.22 * TERA,
        call_seconds=15e-6,
        feature_seconds=0.0126,
        source="float32, by the processor time of one thread on this project's machine (NumPy, a "
        "2048 x 2048 product and a 256 MB matrix times a vector): 11.8 GB/s, 111 GFLOP/s, twice "
        "that for two; what an operation and features cost follows from roma_tiny's phases in the "
        "README, on another machine",
        gpu=False,
        measured=True,
    ),
    _card(
        *("h200-141", "H200 SXM 141 GB", 141, 4800, 989.5),
        source="4.8 TB/s, 141 GB: aiwiki.ai/wiki/nvidia_h200; half of its 1,979 sparse TFLOPS",
    ),
)
DEVICES = {device.name: device for device in _ALL}


def find_device(name: str) -> Device:
    """Return the device of a name.

    Raises:
        PlanningError: the name is unknown.
    """
    if name not in DEVICES:
        raise PlanningError(f"there is no device {name!r}; expected one of {', '.join(DEVICES)}")
    return DEVICES[name]
