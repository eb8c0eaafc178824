"""Public data sets by name, with the readers of their annotation files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from roma_ros.data import alert_sources, narration_sources, question_sources
from roma_ros.data.rows import Row
from roma_ros.data.skip_log import SkipLog

__all__ = ["SOURCES", "Reader"]


Reader: TypeAlias = Callable[[Sequence[Path], SkipLog], Iterator[Row]]
"""Function (annotation files, log) -> rows.

It raises DataError for a file that cannot be read; a row that does not fit is skipped by the log.
"""

SOURCES: Mapping[str, Reader] = {
    "didemo": alert_sources.read_didemo,
    "oops": alert_sources.read_oops,
    "charades_sta": alert_sources.read_charades_sta,
    "qvhighlights": alert_sources.read_qvhighlights,
    "mmduetit": narration_sources.read_mmduetit,
    "coin": narration_sources.read_coin,
    "youcook2": narration_sources.read_youcook2,
    "activitynet": narration_sources.read_activitynet,
    "streamo": narration_sources.read_streamo,
    "internvid": question_sources.read_internvid,
    "cogstream": question_sources.read_cogstream,
    "streamingbench": question_sources.read_streamingbench,
    "ovo_bench": question_sources.read_ovo_bench,
    "video_mme": question_sources.read_video_mme,
    "egoschema": question_sources.read_egoschema,
}
"""Name on the command line -> reader."""
