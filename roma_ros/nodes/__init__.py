"""ROS 2 adapters, as thin as they can be: import the module of the node that you want.

`roma_node` watches, listens and speaks; `media_node`, `camera_node` and `microphone_node` are its
sensors on a machine without drivers; `client` is for programs that use it; `demo` shows it.
"""

__all__: list[str] = []
