from dataclasses import replace

import pytest

from roma_ros.planning import (
    DEVICES,
    WEIGHT_FORMATS,
    ModelShape,
    PlanningError,
    Workload,
    find_device,
    find_weight_format,
    make_plan,
)


def plan(device="orin-agx-64", model="7b", recipe="none", **work):
    workload = Workload(**work)
    return make_plan(
        ModelShape.named(model), find_device(device), find_weight_format(recipe), workload
    )


def test_a_watch_costs_a_cache_and_a_pass_through_the_backbone():
    one, three = plan(), plan(watches=3)
    assert three.cache == 3 * one.cache
    per_watch = one.backbone + one.handover
    assert three.real_time_factor == pytest.approx(one.real_time_factor + 2 * per_watch)
    assert three.weights == one.weights


def test_a_handover_costs_less_than_a_second_watch():
    evict, handover, two = plan(handover=False), plan(), plan(handover=False, watches=2)
    assert evict.cache < handover.cache < two.cache
    assert evict.real_time_factor < handover.real_time_factor < two.real_time_factor
    assert (evict.handover, evict.costs.handover.operations) == (0, 0)


def test_what_does_not_fit_says_so():
    small = plan("orin-nano-8")
    assert not small.fits
    assert small.free_memory < 0
    assert "DOES NOT FIT" in small.summary()[0]


def test_what_does_not_keep_up_says_so():
    slow = plan("cpu-2", "3b")
    assert not slow.keeps_up
    assert slow.spare_tokens == 0
    assert "DOES NOT KEEP UP" in slow.summary()[1]


def test_twice_the_bandwidth_halves_the_time_of_what_waits_for_memory():
    device = find_device("orin-agx-64")
    model, recipe, work = ModelShape.named("7b"), find_weight_format("none"), Workload()
    slow = make_plan(model, device, recipe, work)
    fast = make_plan(model, replace(device, bandwidth=2 * device.bandwidth), recipe, work)
    assert fast.token == pytest.approx(slow.token / 2)


def test_starting_operations_bounds_a_gpu_and_adds_on_a_cpu():
    device = find_device("h200-141")
    model, recipe, work = ModelShape.named("roma_tiny"), find_weight_format("none"), Workload()
    gpu = make_plan(model, device, recipe, work)
    assert gpu.token == gpu.costs.token.calls * device.call_seconds
    cpu = make_plan(model, replace(device, gpu=False), recipe, work)
    assert cpu.token > cpu.costs.token.calls * device.call_seconds


@pytest.mark.parametrize("name", DEVICES)
def test_every_device_says_where_its_figures_are_from(name):
    device = DEVICES[name]
    assert device.name == name
    assert len(device.source) > 20
    assert 0 < device.reserved < device.memory
    assert device.reached_bandwidth <= device.bandwidth


def test_every_recipe_of_roma_quantize_can_be_planned(repository):
    names = {
        path.stem for path in (repository / "roma_ros" / "quantize" / "recipes").glob("*.yaml")
    }
    assert names
    assert {"none", *names} == set(WEIGHT_FORMATS)


@pytest.mark.parametrize("recipe", WEIGHT_FORMATS)
def test_no_recipe_makes_a_model_larger(recipe):
    assert plan(recipe=recipe).weights <= plan().weights


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"device": "orin"}, "orin-agx-64"),
        ({"recipe": "q2"}, "nf4"),
        ({"watches": 0}, "watches"),
        ({"context_seconds": -1}, "context_seconds"),
        ({"pixels": 100}, "pixels"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can(values, named):
    with pytest.raises(PlanningError, match=named):
        plan(**values)
