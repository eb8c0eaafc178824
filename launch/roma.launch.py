"""Start the roma node on the topics of a robot.

ros2 launch roma_ros roma.launch.py image_topic:=/camera/image_raw audio_topic:=/audio
ros2 launch roma_ros roma.launch.py model:=/models/Qwen2.5-Omni-3B preset:=desktop_gpu

Parameters are read from the preset, then params_file, then the arguments; later ones take
precedence.
"""

from pathlib import Path

import yaml
from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, LogInfo, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from roma_ros.presets import PRESETS, Machine, fitting_preset
from roma_ros.respawn import respawned
from roma_ros.ros_release import profiles_variable

CONFIG = Path(get_package_share_directory("roma_ros")) / "config"

# Fast DDS's shared memory is too small for raw images by default. A profile that is set is kept.
PROFILE = profiles_variable()
ROOM_FOR_IMAGES = SetEnvironmentVariable(
    PROFILE, EnvironmentVariable(PROFILE, default_value=str(CONFIG / "fastdds.xml"))
)
BOOL = ["true", "false"]
OPTIONAL_BOOL = ["", *BOOL]

ARGUMENTS = (
    DeclareLaunchArgument(
        "preset",
        default_value="auto",
        choices=["auto", "none", *PRESETS],
        description="Name of a file of parameters in config/; auto: the one that suits the model "
        "and the machine, or none if params_file is set.",
    ),
    DeclareLaunchArgument(
        "params_file", default_value="", description="YAML file of parameters; empty: none."
    ),
    DeclareLaunchArgument("node_name", default_value="roma", description="Name of the roma node."),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the nodes."),
    DeclareLaunchArgument("image_topic", default_value="image", description="Topic of the images."),
    DeclareLaunchArgument("audio_topic", default_value="audio", description="Topic of the audio."),
    DeclareLaunchArgument(
        "autostart",
        default_value="true",
        choices=BOOL,
        description="Whether the node configures and activates itself; false: use `ros2 lifecycle "
        "set /roma configure` and `activate`.",
    ),
    DeclareLaunchArgument(
        "use_sim_time",
        default_value="false",
        choices=BOOL,
        description="Whether all nodes take the time from /clock.",
    ),
    DeclareLaunchArgument(
        "respawn",
        default_value="true",
        choices=BOOL,
        description="Whether to restart a node that fails, after 1 s, 2 s, ... up to a minute.",
    ),
    DeclareLaunchArgument(
        "log_level", default_value="info", description="Log level of the roma node."
    ),
)
# Parameters of the node that are launch arguments too; an empty one overrides nothing.
TEXTS = {
    "model": "Folder of a checkpoint, or roma_tiny; empty: as in the preset or params_file.",
    "device": "auto, cpu, cuda or cuda:N; empty: as in the preset or params_file, or auto.",
    "quantization": "none, nf4 or int8; empty: as in the preset or params_file.",
    "speak_source": "auto, head, state_token or yes_no; empty: as in the preset or params_file.",
    "image_transport": "raw, compressed, ...; empty: as in the preset or params_file.",
}
FLAGS = {
    "use_image": "Whether to subscribe to images; empty: as in the preset or params_file.",
    "use_audio": "Whether to subscribe to audio; empty: as in the preset or params_file.",
}
OVERRIDES = (
    *(DeclareLaunchArgument(name, default_value="", description=TEXTS[name]) for name in TEXTS),
    *(
        DeclareLaunchArgument(
            name, default_value="", choices=OPTIONAL_BOOL, description=FLAGS[name]
        )
        for name in FLAGS
    ),
)


def read_params_file(path: Path, name: str) -> None:
    """Check that a file of parameters exists, is YAML, and has parameters for the node."""
    if not path.is_file():
        raise RuntimeError(f"params_file {str(path)!r} does not exist")
    try:
        nodes = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise RuntimeError(f"params_file {str(path)!r} cannot be read: {error}") from error
    named = {str(node).rsplit("/", 1)[-1] for node in nodes} if isinstance(nodes, dict) else set()
    if not named & {name, "*", "**"}:
        raise RuntimeError(
            f"params_file {str(path)!r} has parameters for {sorted(named)}, none for the node "
            f"{name!r}; begin it with `/**:` or `/**/{name}:`, then `ros__parameters:`"
        )


def parameters(context: LaunchContext) -> tuple[list[object], str]:
    """Return the sources of the node's parameters in their order, and a log line about them."""
    value = {
        name: LaunchConfiguration(name).perform(context)
        for name in ("preset", "params_file", "node_name", *TEXTS, *FLAGS)
    }
    sources: list[object] = []
    preset, chosen = value["preset"], ""
    if preset == "auto" and not value["params_file"]:
        preset = fitting_preset(value["model"], Machine.this())
        chosen = (
            ", chosen for the model and this machine; another: preset:=NAME or params_file:=FILE"
        )
    if preset not in ("auto", "none"):
        sources.append(str(CONFIG / f"{preset}.yaml"))
        message = f"parameters: preset {preset}{chosen}"
    else:
        message = "parameters: no preset"
    if value["params_file"]:
        path = Path(value["params_file"]).expanduser()
        read_params_file(path, value["node_name"])
        sources.append(str(path))
        message += f"; {path}"
    given: dict[str, object] = {name: value[name] for name in TEXTS if value[name]}
    given |= {name: value[name] == "true" for name in FLAGS if value[name]}
    for name in ("autostart", "use_sim_time"):
        given[name] = ParameterValue(LaunchConfiguration(name), value_type=bool)
    return [*sources, given], message


def make_nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Create the roma node, restarted on failure if `respawn` is true."""
    sources, message = parameters(context)
    name = LaunchConfiguration("node_name").perform(context)

    def node() -> LifecycleNode:
        # The node goes through its transitions itself (parameter autostart). Do not add an event
        # handler OnStateTransition(goal_state="inactive") for that: without
        # start_state="configuring" it would also undo every manual deactivation.
        return LifecycleNode(
            package="roma_ros",
            executable="roma_node",
            name=name,
            namespace=LaunchConfiguration("namespace"),
            parameters=sources,
            remappings=[
                ("image", LaunchConfiguration("image_topic")),
                ("audio", LaunchConfiguration("audio_topic")),
            ],
            ros_arguments=["--log-level", LaunchConfiguration("log_level")],
            output="screen",
        )

    respawn = LaunchConfiguration("respawn").perform(context) == "true"
    nodes = respawned(node, name=name) if respawn else [node()]
    return [LogInfo(msg=message), *nodes]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [*ARGUMENTS, *OVERRIDES, ROOM_FOR_IMAGES, OpaqueFunction(function=make_nodes)]
    )
