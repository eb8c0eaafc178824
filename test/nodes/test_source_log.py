"""SourceLog: warnings of sources in a node's log."""

from __future__ import annotations

import logging
from types import SimpleNamespace

from roma_ros.nodes.source_log import SourceLog


def test_warnings_and_errors_go_to_the_nodes_log_until_it_is_closed():
    told: list[tuple[str, str]] = []
    logger = SimpleNamespace(
        warning=lambda text: told.append(("warning", text)),
        error=lambda text: told.append(("error", text)),
    )
    log = SourceLog(SimpleNamespace(get_logger=lambda: logger))
    source = logging.getLogger("roma_ros.sources.camera")
    source.info("nothing")
    source.warning("camera %d is back", 0)
    source.error("camera 0 is gone")
    log.close()
    source.warning("nobody hears this")
    assert told == [("warning", "camera 0 is back"), ("error", "camera 0 is gone")]
