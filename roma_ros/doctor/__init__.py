"""What is installed, what runs on this machine, and what to do about the rest.

Nothing heavy is imported here: libraries are tried in processes of their own, and so may be
missing or broken.
"""

from roma_ros.doctor.check import Check, Report, Section, Status
from roma_ros.doctor.examination import examine

__all__ = ["Check", "Report", "Section", "Status", "examine"]
