"""ROS 2 nodes and their Python client. Import the module that you need.

`roma_node` raises alerts, publishes narrations and answers questions; `media_node`, `camera_node`
and `microphone_node` publish sensor data on a machine without drivers; `client` is for programs
that use a running roma node.
"""

__all__: list[str] = []
