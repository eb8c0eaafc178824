import pytest
import torch

from roma_ros.planning import ModelShape, PlanningError, find_weight_format, weight_bytes
from roma_ros.speed import make_random_thinker
from roma_ros.speed.measurement import _weights
from roma_ros.thinker import Quantization, RomaThinker

CPU = torch.device("cpu")


def make(**settings):
    options = {"device": CPU, "dtype": torch.float32, "max_pixels": 12_544, **settings}
    return make_random_thinker("roma_tiny", **options)


@pytest.fixture(scope="module")
def embedded():
    return RomaThinker.from_pretrained("roma_tiny", device="cpu")


def test_it_has_the_real_sizes_and_real_tables(embedded):
    thinker = make()
    real = dict(embedded.backbone.named_parameters())
    made = dict(thinker.backbone.named_parameters())
    assert {name: value.shape for name, value in made.items()} == {
        name: value.shape for name, value in real.items()
    }
    buffers = dict(embedded.backbone.named_buffers())
    for name, value in thinker.backbone.named_buffers():
        assert torch.equal(value, buffers[name]), name  # frequencies and positions are no weights
    assert not any(value.is_meta for value in made.values())


def test_it_hears_units_and_never_falls_silent(make_unit):
    thinker = make(dtype=torch.bfloat16)
    with thinker.open_session("x", context_seconds=2) as session:
        step = session.step(make_unit(0))
        assert 0 <= step.p_speak <= 1
        assert session.speak(10).tokens == 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Quantization.NF4, Quantization.INT8])
def test_it_is_quantised_as_a_checkpoint_is(tmp_path, make_unit, kind):
    """Layer by layer the kinds that transformers makes of the same checkpoint when it loads."""
    loaded = RomaThinker.from_pretrained("roma_tiny", device="cpu", quantization=kind.value)
    made = make(quantization=kind)
    kinds = {name: type(module) for name, module in loaded.backbone.named_modules()}
    assert {name: type(module) for name, module in made.backbone.named_modules()} == kinds
    with made.open_session("x", context_seconds=2) as session:
        assert 0 <= session.step(make_unit(0)).p_speak <= 1


@pytest.mark.parametrize("name", ["none", "nf4", "int8"])
def test_weights_are_as_large_as_planned(name):
    thinker = make(quantization=Quantization(name))
    shape = ModelShape.named("roma_tiny")
    buffers = sum(buffer.nbytes for buffer in thinker.backbone.buffers())
    # Tables of 16 and 256 numbers for each layer of 192 x 192 are much here, and nothing in a 7B.
    expected = weight_bytes(shape, find_weight_format(name), 4)
    assert _weights(thinker) - buffers == pytest.approx(expected, rel=0.02)


def test_progress_ends_with_all_of_it():
    seen = []
    make(on_progress=lambda done, of: seen.append((done, of)))
    assert seen[-1][0] == seen[-1][1] > 4_000_000


def test_unknown_sizes_are_refused():
    with pytest.raises(PlanningError, match="7b"):
        make_random_thinker("13b", device=CPU, dtype=torch.float32)
