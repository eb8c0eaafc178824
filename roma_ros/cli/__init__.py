"""`roma ...`: one file per command."""

from roma_ros.cli.main import main

__all__ = ["main"]
