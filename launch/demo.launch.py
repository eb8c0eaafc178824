"""Start the roma node with a file, or a folder of files, as camera and microphone.

ros2 launch roma_ros demo.launch.py path:=clip.mp4

All arguments of roma.launch.py apply as well.
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
LOADING = 120.0  # s that the media waits for the model to load


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument("path", description="A video or audio file, or a folder."),
            DeclareLaunchArgument(
                "loop",
                default_value="true",
                choices=["true", "false"],
                description="Whether to start over at the end.",
            ),
            DeclareLaunchArgument(
                "image_transport",
                default_value="raw",
                choices=["raw", "compressed"],
                description="Image transport of the media and of the roma node.",
            ),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(ROMA)),
            Node(
                package="roma_ros",
                executable="media_node",
                name="media",
                namespace=LaunchConfiguration("namespace"),
                parameters=[
                    {
                        "path": ParameterValue(LaunchConfiguration("path"), value_type=str),
                        "loop": ParameterValue(LaunchConfiguration("loop"), value_type=bool),
                        "image_transport": LaunchConfiguration("image_transport"),
                        "use_sim_time": ParameterValue(
                            LaunchConfiguration("use_sim_time"), value_type=bool
                        ),
                        "wait_for_subscribers": LOADING,
                    }
                ],
                remappings=[
                    ("image", LaunchConfiguration("image_topic")),
                    ("audio", LaunchConfiguration("audio_topic")),
                ],
                output="screen",
            ),
        ]
    )
