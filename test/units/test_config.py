import pytest

from roma_ros.units import AssemblerConfig, AssemblerConfigError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"video": False, "audio": False}, "video=False and audio=False"),
        ({"lateness": -0.1}, "lateness=-0.1, wanted 0 to 5 s"),
        ({"lateness": float("nan")}, "lateness=nan"),
        ({"lateness": "soon"}, 'lateness=.soon., wanted "auto" or 0 to 5 s'),
        ({"max_lateness": 10.1}, "max_lateness=10.1, wanted 0 to 10 s"),
        ({"clock_alignment": "guess"}, "clock_alignment='guess', wanted one of auto, stamps"),
        ({"hold": 61.0}, "hold=61.0"),
        ({"max_gap": 0.1}, "max_gap=0.1, wanted 0.5 to 60 s"),
        ({"max_backward": 0.1}, "max_backward=0.1, wanted 0.15 to 60 s"),
        ({"max_backward": 0.3, "lateness": 0.4}, "max_backward=0.3, wanted 0.4 to 60 s"),
    ],
)
def test_values_outside_their_range(values, message):
    with pytest.raises(AssemblerConfigError, match=message):
        AssemblerConfig(**values)
