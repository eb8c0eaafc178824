"""The roma node with a file, or a folder of files, as camera and microphone.

ros2 launch roma_ros demo.launch.py path:=clip.mp4
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

ROMA = str(Path(get_package_share_directory("roma_ros")) / "launch" / "roma.launch.py")


def generate_launch_description() -> LaunchDescription:
    path, loop = LaunchConfiguration("path"), LaunchConfiguration("loop")
    return LaunchDescription(
        [
            DeclareLaunchArgument("path", description="A video or audio file, or a folder."),
            DeclareLaunchArgument("loop", default_value="true", choices=["true", "false"]),
            DeclareLaunchArgument("namespace", default_value=""),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(ROMA)),
            Node(
                package="roma_ros",
                executable="media_node",
                name="media",
                namespace=LaunchConfiguration("namespace"),
                parameters=[
                    {
                        "path": ParameterValue(path, value_type=str),
                        "loop": ParameterValue(loop, value_type=bool),
                        "wait_for_subscribers": 120.0,  # for as long as a model may take to load
                    }
                ],
                output="screen",
            ),
        ]
    )
