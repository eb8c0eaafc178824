"""Log handler that passes warnings of sources on to a node's log."""

from __future__ import annotations

import logging

from rclpy.node import Node

__all__ = ["SourceLog"]


class SourceLog(logging.Handler):
    """Handler that passes warnings of `roma_ros.sources` on to a node's log until it is closed."""

    def __init__(self, node: Node) -> None:
        super().__init__(logging.WARNING)
        self._node = node
        self._logger = logging.getLogger("roma_ros.sources")
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Log one message."""
        logger = self._node.get_logger()
        if record.levelno >= logging.ERROR:
            logger.error(record.getMessage())
        else:
            logger.warning(record.getMessage())

    def close(self) -> None:
        """Remove the handler."""
        self._logger.removeHandler(self)
        super().close()
