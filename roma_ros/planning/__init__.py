"""Prediction of a model's memory and speed on a device, by arithmetic: needs no torch or model."""

from roma_ros.planning.comparison import (
    BENCH_FORMAT,
    Comparison,
    compare,
    read_comparisons,
)
from roma_ros.planning.cost import Cost, Costs, cache_bytes, costs_of, weight_bytes
from roma_ros.planning.device import DEVICES, GB, Device, find_device
from roma_ros.planning.errors import PlanningError
from roma_ros.planning.model_shape import (
    MODEL_CONFIGS,
    MODEL_NAMES,
    ModelShape,
    read_model_config,
)
from roma_ros.planning.plan import Plan, make_plan
from roma_ros.planning.weight_format import WEIGHT_FORMATS, WeightFormat, find_weight_format
from roma_ros.planning.workload import Workload

__all__ = [
    "BENCH_FORMAT",
    "DEVICES",
    "GB",
    "MODEL_CONFIGS",
    "MODEL_NAMES",
    "WEIGHT_FORMATS",
    "Comparison",
    "Cost",
    "Costs",
    "Device",
    "ModelShape",
    "Plan",
    "PlanningError",
    "WeightFormat",
    "Workload",
    "cache_bytes",
    "compare",
    "costs_of",
    "find_device",
    "find_weight_format",
    "make_plan",
    "read_comparisons",
    "read_model_config",
    "weight_bytes",
]
