"""Start the roma node on a Jetson, with a USB camera and a microphone.

ros2 launch roma_ros jetson.launch.py preset:=jetson_orin_agx model:=/path/to/checkpoint

A preset is the name of a file in config/, which names the model that it is made for. With other
drivers: sensors:=false, and their image_topic and audio_topic. All arguments of roma.launch.py
apply as well.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from roma_ros.respawn import respawned

SHARE = Path(get_package_share_directory("roma_ros"))
ROMA = str(SHARE / "launch" / "roma.launch.py")
PRESETS = ("jetson_orin_agx", "jetson_orin_nx")


def device_node(
    context: LaunchContext, name: str, parameters: dict[str, object], topic: str
) -> list[LaunchDescriptionEntity]:
    """Create the node of a sensor, in the roma node's namespace and on its topics."""

    def node() -> Node:
        return Node(
            package="roma_ros",
            executable=f"{name}_node",
            name=name,
            namespace=LaunchConfiguration("namespace"),
            parameters=[parameters],
            remappings=[(topic, LaunchConfiguration(f"{topic}_topic"))],
            output="screen",
        )

    # A device that is missing now may be plugged in later: restart after any exit status.
    respawn = LaunchConfiguration("respawn").perform(context) == "true"
    return respawned(node, name=name, final=()) if respawn else [node()]


def sensors(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Create the nodes of the camera and the microphone, unless `sensors` is false."""
    if LaunchConfiguration("sensors").perform(context) != "true":
        return []
    use_sim_time = ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)
    nodes: list[LaunchDescriptionEntity] = []
    if LaunchConfiguration("use_image").perform(context) != "false":
        camera = {
            "device": ParameterValue(LaunchConfiguration("camera"), value_type=str),
            "image_transport": LaunchConfiguration("image_transport"),
            "use_sim_time": use_sim_time,
        }
        nodes += device_node(context, "camera", camera, "image")
    if LaunchConfiguration("use_audio").perform(context) != "false":
        microphone = {
            "device": ParameterValue(LaunchConfiguration("microphone"), value_type=str),
            "use_sim_time": use_sim_time,
        }
        nodes += device_node(context, "microphone", microphone, "audio")
    return nodes


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "preset",
                default_value=PRESETS[0],
                choices=["auto", "none", *PRESETS],
                description="Name of a file of parameters in config/, without .yaml.",
            ),
            DeclareLaunchArgument(
                "device", default_value="cuda", description="Device: cuda, cuda:N, cpu or auto."
            ),
            DeclareLaunchArgument(
                "image_transport",
                default_value="compressed",
                choices=["raw", "compressed"],
                description="Image transport of the camera and of the roma node.",
            ),
            DeclareLaunchArgument(
                "sensors",
                default_value="true",
                choices=["true", "false"],
                description="Whether to start a camera and a microphone node; false: use drivers.",
            ),
            DeclareLaunchArgument(
                "camera", default_value="0", description="Index or path of the camera."
            ),
            DeclareLaunchArgument(
                "microphone",
                default_value="",
                description="PortAudio index or name of the microphone; empty: the default.",
            ),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(ROMA)),
            OpaqueFunction(function=sensors),
        ]
    )
