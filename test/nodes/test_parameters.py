"""Declaration, ranges and presets of the roma node's parameters."""

from __future__ import annotations

import pytest
from rcl_interfaces.msg import ParameterType
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_dict_from_yaml_file

from roma_ros.nodes.parameter_spec import ParameterSpec, declare_parameters
from roma_ros.nodes.parameters import SPECS, Settings, WatchDefaults

PRESETS = ("cpu_tiny", "desktop_gpu", "jetson_orin_agx", "jetson_orin_nx")


@pytest.fixture
def make_node(ros, namespace):
    nodes = []

    def make(values=None, arguments=()):
        node = Node(
            "roma",
            context=ros,
            namespace=namespace,
            parameter_overrides=[Parameter(name, value=v) for name, v in (values or {}).items()],
            cli_args=list(arguments),
        )
        nodes.append(node)
        declare_parameters(node, SPECS, lambda: None)
        return node

    yield make
    for node in nodes:
        node.destroy_node()


def test_every_parameter_is_described_and_every_number_has_a_range(make_node):
    node = make_node()
    for spec in SPECS:
        descriptor = node.describe_parameter(spec.name)
        assert descriptor.description
        if descriptor.type == ParameterType.PARAMETER_INTEGER:
            assert descriptor.integer_range
        if descriptor.type == ParameterType.PARAMETER_DOUBLE:
            assert descriptor.floating_point_range


def test_defaults_make_settings(make_node):
    node = make_node()
    settings = Settings.of(node)
    assert settings.model == "roma_tiny"
    assert settings.alerts == ()
    assert settings.narration == ""
    assert settings.speak_source == "auto"
    assert settings.alert_recordings == ()
    assert WatchDefaults.of(node).narration_threshold == 0.5
    assert settings.assistant.context_seconds is None  # as the checkpoint says
    assert (settings.assistant.has_video, settings.assistant.has_audio) == (True, True)
    assert settings.assistant.strict is False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alert.threshold", 1.5),
        ("alert.window", 0),
        ("context_seconds", 0.5),
        ("context_seconds", -1.0),
        ("image_transport", "theora"),
        ("audio_type", "std_msgs/String"),
        ("quantization", "q2"),
        ("speak_source", "fortune"),
        ("lag_policy", "panic"),
        ("lateness", "soon"),
        ("lateness", 5.1),
        ("max_lateness", 11.0),
        ("clock_alignment", "guess"),
        ("alert.instructions", ["A dog.", ""]),
        ("narration.instruction", "x" * 501),
    ],
)
def test_values_that_make_no_sense_are_refused_at_start(make_node, name, value):
    with pytest.raises(InvalidParameterValueException, match=name.split(".")[0]):
        make_node({name: value})


def test_a_value_of_another_type_is_refused_at_start(make_node):
    with pytest.raises(InvalidParameterTypeException):
        make_node({"alert.threshold": "high"})


def test_neither_eyes_nor_ears_is_refused_when_configured(make_node):
    with pytest.raises(ValueError, match="at least one"):
        Settings.of(make_node({"use_image": False, "use_audio": False}))


@pytest.mark.parametrize("lateness", ["auto", 0.0, 1, 2.5])
def test_lateness_is_auto_or_a_number(make_node, lateness):
    config = Settings.of(make_node({"lateness": lateness})).assembler
    assert config.lateness == lateness
    assert config.max_backward == max(0.5, 0 if lateness == "auto" else lateness)


def test_stamps_and_lateness_arrive_at_the_assembler(make_node):
    assert Settings.of(make_node()).assembler.lateness == "auto"
    values = {"max_lateness": 4.0, "clock_alignment": "arrival"}
    config = Settings.of(make_node(values)).assembler
    assert (config.max_lateness, config.clock_alignment) == (4.0, "arrival")


def test_recordings_belong_to_instructions(make_node):
    values = {"alert.instructions": ["A dog.", "A cat."], "alert.recordings": ["", "cat.wav"]}
    assert Settings.of(make_node(values)).alert_recordings == ("", "cat.wav")
    with pytest.raises(ValueError, match=r"has 1 files; expected 2, one for each of alert"):
        Settings.of(make_node({**values, "alert.recordings": ["cat.wav"]}))
    with pytest.raises(ValueError, match=r"narration\.instruction is empty"):
        Settings.of(make_node({"narration.recording": "tell.wav"}))


def test_what_is_locked_is_refused_and_what_is_live_is_not(ros, namespace):
    node = Node("locked", context=ros, namespace=namespace)
    specs = (
        ParameterSpec(name="fixed", default=1, low=0, high=9, description="."),
        ParameterSpec(name="free", default=1, low=0, high=9, description=".", live=True),
    )
    declare_parameters(node, specs, lambda: "it runs")
    refused, taken = node.set_parameters([Parameter("fixed", value=2), Parameter("free", value=2)])
    assert not refused.successful
    assert "it runs" in refused.reason
    assert taken.successful
    node.destroy_node()


@pytest.mark.parametrize("preset", PRESETS)
def test_every_value_of_a_preset_is_declared_and_arrives(make_node, repository, preset):
    path = repository / "config" / f"{preset}.yaml"
    values = parameter_dict_from_yaml_file(str(path), target_nodes=["/**"])
    assert set(values) <= {spec.name for spec in SPECS}
    node = make_node(arguments=["--ros-args", "--params-file", str(path)])
    for name, value in values.items():
        assert node.get_parameter(name).get_parameter_value() == value.value
    Settings.of(node)


def test_no_preset_is_left_out(repository):
    assert {path.stem for path in (repository / "config").glob("*.yaml")} == set(PRESETS)
