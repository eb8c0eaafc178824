"""The demo: a film plays into the real node over ROS, and what the node says is checked."""
