"""The roma node, on the topics of a robot.

ros2 launch roma_ros roma.launch.py image_topic:=/camera/image_raw audio_topic:=/audio
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription

CONFIG = Path(get_package_share_directory("roma_ros")) / "config"
TINY = str(CONFIG / "cpu_tiny.yaml")

# Room for raw images in Fast DDS's shared memory, unless the robot has a profile of its own.
PROFILE = "FASTRTPS_DEFAULT_PROFILES_FILE"
ROOM_FOR_IMAGES = SetEnvironmentVariable(
    PROFILE, EnvironmentVariable(PROFILE, default_value=str(CONFIG / "fastdds.xml"))
)

ARGUMENTS = (
    DeclareLaunchArgument("params_file", default_value=TINY, description="Parameters of the node."),
    DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node."),
    DeclareLaunchArgument(
        "model", default_value="", description="Checkpoint; empty: as in params_file."
    ),
    DeclareLaunchArgument(
        "device", default_value="", description="auto, cpu, cuda, cuda:N; empty: as in params_file."
    ),
    DeclareLaunchArgument(
        "image_transport",
        default_value="",
        choices=["", "raw", "compressed"],
        description="Empty: as in params_file.",
    ),
    DeclareLaunchArgument("image_topic", default_value="image", description="Of the camera."),
    DeclareLaunchArgument("audio_topic", default_value="audio", description="Of the microphone."),
    DeclareLaunchArgument(
        "autostart",
        default_value="true",
        choices=["true", "false"],
        description="false: wait for `ros2 lifecycle set /roma configure` and `activate`.",
    ),
    DeclareLaunchArgument("use_sim_time", default_value="false", choices=["true", "false"]),
    DeclareLaunchArgument("log_level", default_value="info"),
)


def make_node(context: LaunchContext) -> list[LifecycleNode]:
    """The node; arguments that are left empty do not override the parameter file."""
    given = {
        name: value
        for name in ("model", "device", "image_transport")
        if (value := LaunchConfiguration(name).perform(context))
    }
    flags = {
        name: ParameterValue(LaunchConfiguration(name), value_type=bool)
        for name in ("autostart", "use_sim_time")
    }
    # The node goes through its transitions itself (parameter autostart). Do not add an event
    # handler OnStateTransition(goal_state="inactive") for that: without start_state="configuring"
    # it would also undo every manual deactivation.
    node = LifecycleNode(
        package="roma_ros",
        executable="roma_node",
        name="roma",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), flags, given],
        remappings=[
            ("image", LaunchConfiguration("image_topic")),
            ("audio", LaunchConfiguration("audio_topic")),
        ],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        output="screen",
    )
    return [node]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, ROOM_FOR_IMAGES, OpaqueFunction(function=make_node)])
