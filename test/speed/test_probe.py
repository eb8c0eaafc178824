import pytest
import torch

from roma_ros.speed import probe, this_machine


@pytest.mark.slow
def test_a_probe_finds_a_machine_between_a_wrist_watch_and_a_supercomputer():
    found = probe(torch.device("cpu"), torch.float32)
    assert 1e7 < found.bandwidth < 1e13
    assert 1e8 < found.rate < 1e15
    assert 1e-8 < found.call_seconds < 1e-1


@pytest.mark.slow
def test_this_machine_can_be_planned_for():
    machine = this_machine()
    assert machine.measured
    assert machine.reached_rate == machine.rate
    assert machine.memory > machine.reserved
