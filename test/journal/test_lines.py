"""Events as JSON lines: what is written is read back as it was, and what is damaged is named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roma_ros.events import (
    Alert,
    Answer,
    Event,
    Fault,
    InstructionWarning,
    Lag,
    LagPolicy,
    Narration,
    SpeakProbability,
    StreamStart,
    StreamStarted,
)
from roma_ros.journal import (
    KINDS,
    MAX_LINE,
    DamagedLine,
    Header,
    Record,
    SchemaError,
    decode,
    encode,
    read_lines,
)
from roma_ros.watch import Watch, WatchKind

SAID = {"stream": 1, "stamp": 12_500_000_000, "unit": 4, "watch": "door", "text": "дверь\n“x”"}
EVENTS: tuple[Event, ...] = (
    SpeakProbability(
        stream=1, stamp=5, unit=4, watch="", p_speak=0.25, threshold=0.5, triggered=True
    ),
    Alert(**SAID, instruction="the door", p_speak=0.75, finished=False),
    Narration(**SAID, instruction="tell", p_speak=1.0),
    Answer(**SAID, question="Who?", latency=0.125, finished=True, kept=False),
    StreamStarted(stream=2, stamp=9, reason=StreamStart.SENSORS),
    Lag(stream=0, stamp=7, policy=LagPolicy.AUDIO_ONLY, dropped=1, audio_only=2, recovered=True),
    Fault(stream=-1, stamp=0, watch="", during="open", error="E: no", restarted=False),
    InstructionWarning(stream=0, stamp=3, watch="dog", text="a dog", message="knows no 'dog'"),
)


def test_every_kind_of_event_has_a_name_and_is_tested() -> None:
    assert set(KINDS.values()) == set(get_args(Event)) == {type(event) for event in EVENTS}
    assert {"speak_probability", "warning"} <= set(KINDS)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_read_back_as_it_was(event: Event) -> None:
    record = Record(event=event, sequence=17, seconds=4.5, wall_ns=1_700_000_000_000_000_123)
    line = encode(record)
    assert line.startswith(b'{"sequence": 17, "event": "')
    assert line.count(b"\n") == 1
    assert decode(line) == record
    assert decode(encode(Record(event=event))) == Record(event=event)
    of_several = Record(event=event, seconds=4.5, source="b.mp4", source_seconds=1.5)
    assert decode(encode(of_several)) == of_several


def test_no_number_is_null_and_is_read_back_as_none() -> None:
    event = SpeakProbability(
        stream=0, stamp=5, unit=4, watch="", p_speak=math.nan, threshold=0.5, triggered=False
    )
    line = encode(Record(event=event))
    assert json.loads(line)["p_speak"] is None
    read = decode(line)
    assert isinstance(read, Record)
    assert isinstance(read.event, SpeakProbability)
    assert math.isnan(read.event.p_speak)


def test_a_header_is_read_back_as_it_was() -> None:
    watch = Watch(
        id="door", kind=WatchKind.ALERT, instruction="the door", threshold=0.5, window=2, cooldown=3
    )
    header = Header(
        source=("a.mp4", "mic"), model="roma_tiny", watches=(watch,), settings={"fast": True}
    )
    assert decode(encode(header)) == header
    assert json.loads(encode(header))["schema"] == 1
    assert {"roma_ros", "python", "torch", "transformers"} <= set(header.versions)


def test_a_long_text_is_cut() -> None:
    event = Fault(stream=0, stamp=0, watch="", during="step", error="x" * 10**6, restarted=True)
    assert len(encode(Record(event=event))) < 5_000


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nonsense", "'nonsense' is not a line of JSON"),
        ("[" * 100_000, "is not a line of JSON"),
        ("[1]", "not a JSON object"),
        ("{}", "event is 'None'; expected one of header, speak_probability, alert"),
        ('{"event": "hum"}', "event is 'hum'"),
        ('{"event": "header", "schema": 2}', "schema is 2; this roma_ros reads up to 1"),
        ('{"event": "header"}', "no field 'schema'"),
        ('{"event": "stream_started", "stamp_ns": 1, "stream": 0}', "no field 'reason'"),
        (
            '{"event": "stream_started", "stamp_ns": 1, "stream": "x"}',
            "stream is 'x'; expected int",
        ),
        (
            '{"event": "stream_started", "stamp_ns": true}',
            "stamp_ns is 'True'; expected int|stream",
        ),
        (
            '{"event": "alert", "stream": 1e999, "stamp_ns": 0}',
            "stream is 'inf'; expected a number",
        ),
        ('{"event": "alert", "stream": NaN, "stamp_ns": 0}', "stream is 'nan'; expected a number"),
        ('{"event": "alert", "stream": 9999999999999999999}', "expected a number below 2"),
        ('{"event": "alert", "stream": 1' + "0" * 5_000 + "}", "is not a line of JSON|below 2"),
        (
            '{"event": "stream_started", "stamp_ns": 1, "stream": 0, "reason": "boredom"}',
            "reason is 'boredom'; expected one of first, sensors, reset",
        ),
    ],
)
def test_what_is_no_event_is_refused_in_words(line: str, says: str) -> None:
    with pytest.raises(SchemaError, match=says) as caught:
        decode(line)
    assert len(str(caught.value)) < 300


@pytest.mark.slow
@given(st.data())
def test_whatever_stands_in_a_line_is_read_or_refused(data: st.DataObject) -> None:
    """And what is read can be written and shown."""
    values = json.loads(encode(Record(event=data.draw(st.sampled_from(EVENTS)), sequence=1)))
    name = data.draw(st.sampled_from(sorted(values)))
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3
    )
    values[name] = data.draw(anything)
    try:
        record = decode(json.dumps(values))
    except SchemaError:
        return
    again = decode(encode(record))
    assert isinstance(record, Record)
    assert isinstance(again, Record)
    assert again.seconds == pytest.approx(record.seconds, abs=1e-9)  # written in whole ns


@given(st.binary(max_size=200))
def test_bytes_are_refused_in_words(line: bytes) -> None:
    with pytest.raises(SchemaError):
        decode(line)


def test_fields_of_a_later_version_are_passed_over() -> None:
    values = json.loads(encode(Record(event=EVENTS[1]))) | {"mood": "good"}
    assert decode(json.dumps(values)) == Record(event=EVENTS[1])


def test_damaged_lines_are_named_and_the_others_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    records = [Record(event=event, sequence=n) for n, event in enumerate(EVENTS, start=1)]
    lines = [encode(record) for record in records]
    path.write_bytes(
        lines[0] + b"\xff\xfe\n" + lines[1] + b"x" * (3 * MAX_LINE) + b"\n" + lines[2] + b"\0" * 9
    )
    read = list(read_lines(path))
    damaged = [line for line in read if isinstance(line, DamagedLine)]
    assert [line for line in read if isinstance(line, Record)] == records[:3]
    assert [(line.number, line.cut) for line in damaged] == [(2, False), (4, False), (6, True)]
    assert str(damaged[0]) == f"{path}:2: '��\\n' is not a line of JSON"
    assert str(damaged[1]) == f"{path}:4: longer than {MAX_LINE} bytes"


@pytest.mark.parametrize("kept", [1, 20, -2, -1])
def test_a_last_line_that_was_cut_by_a_crash_is_told_apart(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "events.jsonl"
    whole, cut = encode(Record(event=EVENTS[0])), encode(Record(event=EVENTS[1]))
    path.write_bytes(whole + cut[:kept])
    first, last = read_lines(path)
    assert first == Record(event=EVENTS[0])
    if kept == -1:  # all but the line break is there
        assert last == Record(event=EVENTS[1])
    else:
        assert isinstance(last, DamagedLine)
        assert last.cut
        assert str(last) == f"{path}:2: the last line was not written to its end"
