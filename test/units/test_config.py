import pytest

from roma_ros.units import AssemblerConfig, AssemblerConfigError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"video": False, "audio": False}, "video and audio are both False"),
        ({"lateness": -0.1}, "lateness is -0.1 s; expected 0 to 5 s"),
        ({"lateness": float("nan")}, "lateness is nan s"),
        ({"lateness": "soon"}, 'lateness is .soon.; expected "auto" or 0 to 5 s'),
        ({"max_lateness": 10.1}, "max_lateness is 10.1 s; expected 0 to 10 s"),
        ({"clock_alignment": "guess"}, "clock_alignment is 'guess'; expected one of auto, stamps"),
        ({"hold": 61.0}, "hold is 61.0 s"),
        ({"max_gap": 0.1}, "max_gap is 0.1 s; expected 0.5 to 60 s"),
        ({"max_backward": 0.1}, "max_backward is 0.1 s; expected 0.15 to 60 s"),
        ({"max_backward": 0.3, "lateness": 0.4}, "max_backward is 0.3 s; expected 0.4 to 60 s"),
    ],
)
def test_values_outside_their_range(values, message):
    with pytest.raises(AssemblerConfigError, match=message):
        AssemblerConfig(**values)
