"""What a plan cannot be made for."""

__all__ = ["PlanningError"]


class PlanningError(ValueError):
    """A model, device, recipe or workload that is unknown or out of range; the message helps."""
