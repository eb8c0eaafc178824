"""A series of p(speak) -> when to speak. Plain Python: no torch, no ROS."""

from roma_ros.triggers.alert import MAX_WINDOW, AlertTrigger
from roma_ros.triggers.narration import NarrationTrigger

__all__ = ["MAX_WINDOW", "AlertTrigger", "NarrationTrigger"]
