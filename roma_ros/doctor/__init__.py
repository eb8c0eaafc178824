"""Checks of the installation and of this machine, each with a remedy.

Libraries are imported in processes of their own, since they may be missing or broken.
"""

from roma_ros.doctor.check import Check, DoctorReport, Section, Status
from roma_ros.doctor.examination import examine

__all__ = ["Check", "DoctorReport", "Section", "Status", "examine"]
