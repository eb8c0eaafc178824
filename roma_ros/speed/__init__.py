"""Measurement of a model's speed and memory on this machine, for `roma bench`."""

from roma_ros.speed.measurement import (
    Measurement,
    MemoryUse,
    MissingTimingsError,
    measure,
)
from roma_ros.speed.probe import Probe, probe
from roma_ros.speed.random_thinker import RandomThinkerError, make_random_thinker
from roma_ros.speed.record import make_record
from roma_ros.speed.spread import Spread
from roma_ros.speed.stream import bench_unit
from roma_ros.speed.this_machine import this_machine

__all__ = [
    "Measurement",
    "MemoryUse",
    "MissingTimingsError",
    "Probe",
    "RandomThinkerError",
    "Spread",
    "bench_unit",
    "make_random_thinker",
    "make_record",
    "measure",
    "probe",
    "this_machine",
]
