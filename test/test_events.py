"""Events are plain values: comparable, and writable as JSON lines."""

from __future__ import annotations

import json
from dataclasses import asdict

from roma_ros.events import Alert, Lag, LagPolicy, StreamStart, StreamStarted


def test_events_are_json():
    lag = Lag(
        stream=0,
        stamp=5,
        policy=LagPolicy.AUDIO_ONLY,
        dropped=0,
        audio_only=2,
        recovered=False,
    )
    assert json.loads(json.dumps(asdict(lag)))["policy"] == "audio_only"
    started = StreamStarted(stream=1, stamp=9, reason=StreamStart.SENSORS)
    assert json.loads(json.dumps(asdict(started)))["reason"] == "sensors"


def test_equal_events_are_equal():
    def alert(text: str) -> Alert:
        return Alert(stream=0, stamp=1, unit=0, watch="w", instruction="i", text=text, p_speak=0.5)

    assert alert("a") == alert("a") != alert("b")
