"""The demo: plays a film into the real node over ROS, and checks what the node publishes."""
