"""The roma node on a Jetson, with a USB camera and a microphone.

ros2 launch roma_ros jetson.launch.py preset:=jetson_orin_agx model:=/path/to/checkpoint

A preset is a file of config/ by its name, and says which model it is made for. With drivers of your
own: sensors:=false, and their image_topic and audio_topic.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

SHARE = Path(get_package_share_directory("roma_ros"))
ROMA = str(SHARE / "launch" / "roma.launch.py")
PRESETS = ("jetson_orin_agx", "jetson_orin_nx")
PARAMETERS = [str(SHARE / "config") + "/", LaunchConfiguration("preset"), ".yaml"]


def device_node(name: str, parameters: dict[str, object], topic: str) -> Node:
    """A node for a sensor, beside the roma node and on its topics."""
    return Node(
        package="roma_ros",
        executable=f"{name}_node",
        name=name,
        namespace=LaunchConfiguration("namespace"),
        parameters=[parameters],
        remappings=[(topic, LaunchConfiguration(f"{topic}_topic"))],
        condition=IfCondition(LaunchConfiguration("sensors")),
        respawn=True,
        respawn_delay=2.0,
        output="screen",
    )


def generate_launch_description() -> LaunchDescription:
    camera = {
        "device": ParameterValue(LaunchConfiguration("camera"), value_type=str),
        "image_transport": "compressed",
    }
    microphone = {"device": ParameterValue(LaunchConfiguration("microphone"), value_type=str)}
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "preset",
                default_value=PRESETS[0],
                choices=PRESETS,
                description="Parameters for the module: a file of config/ without .yaml.",
            ),
            DeclareLaunchArgument(
                "model", default_value="", description="Checkpoint; empty: as in the preset."
            ),
            DeclareLaunchArgument("namespace", default_value=""),
            DeclareLaunchArgument("image_topic", default_value="image"),
            DeclareLaunchArgument("audio_topic", default_value="audio"),
            DeclareLaunchArgument("sensors", default_value="true", choices=["true", "false"]),
            DeclareLaunchArgument("camera", default_value="0", description="Number or path."),
            DeclareLaunchArgument(
                "microphone", default_value="", description="Number or name; empty: the default."
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(ROMA),
                launch_arguments={"params_file": PARAMETERS}.items(),
            ),
            device_node("camera", camera, "image"),
            device_node("microphone", microphone, "audio"),
        ]
    )
