"""Error of `roma_ros.planning`."""

__all__ = ["PlanningError"]


class PlanningError(ValueError):
    """Raised for a model, device, weight format or workload that is unknown or out of range."""
