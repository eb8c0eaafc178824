"""Events in files: lines of JSON, the node's journal, and replay.

`roma run --events` and the node write the same lines (`encode`, `read_lines`). The node's
`EventJournal` numbers events and has them on disk before they are published. `replay` applies
other thresholds to p(speak) as it was recorded.
"""

from roma_ros.journal.config import DEFAULT_KINDS, JournalConfig, JournalConfigError
from roma_ros.journal.event_journal import MAX_PAGE, EventJournal, JournalPage, JournalStatus
from roma_ros.journal.files import journal_paths
from roma_ros.journal.lines import MAX_LINE, SchemaError, decode, encode, read_lines
from roma_ros.journal.record import (
    KINDS,
    SCHEMA_VERSION,
    DamagedLine,
    Header,
    Line,
    Record,
    kind_of,
)
from roma_ros.journal.replay import RecordedUnit, RecordedWatch, ReplaySettings, recorded_watches

__all__ = [
    "DEFAULT_KINDS",
    "KINDS",
    "MAX_LINE",
    "MAX_PAGE",
    "SCHEMA_VERSION",
    "DamagedLine",
    "EventJournal",
    "Header",
    "JournalConfig",
    "JournalConfigError",
    "JournalPage",
    "JournalStatus",
    "Line",
    "Record",
    "RecordedUnit",
    "RecordedWatch",
    "ReplaySettings",
    "SchemaError",
    "decode",
    "encode",
    "journal_paths",
    "kind_of",
    "read_lines",
    "recorded_watches",
]
