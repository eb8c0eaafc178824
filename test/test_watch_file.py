"""A YAML file of watches: what it says, and what is wrong with it, with the line."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from roma_ros.watch import WatchKind
from roma_ros.watch_file import WatchFileError, WatchSpec, read_watch_file

GOOD = """\
version: 1
watches:
  - id: door
    instruction: alert me when the door opens
    threshold: 0.7
    window: 2
    cooldown: 30
    reply: true
    recording: door.wav
  - {id: story, kind: narration, instruction: "Describe it.", threshold: 1}
  - id: plain
    kind: alert
    instruction: alert me when it rings
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    tone = (10_000 * np.sin(np.arange(16_000) / 10)).astype("<i2")
    with wave.open(str(tmp_path / "door.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(tone.tobytes())
    (tmp_path / "silent.wav").write_bytes(b"RIFF")
    return tmp_path / "watches.yaml"


def test_a_file_is_read(path: Path) -> None:
    path.write_text(GOOD)
    door, story, plain = read_watch_file(path)
    assert door == WatchSpec(
        id="door",
        kind=WatchKind.ALERT,
        instruction="alert me when the door opens",
        threshold=0.7,
        window=2,
        cooldown=30,
        reply=True,
        recording=path.parent / "door.wav",
    )
    assert story.kind is WatchKind.NARRATION
    assert plain.open_settings == {"threshold", "window", "cooldown"}
    watch = plain.watch(threshold=0.25, window=3, cooldown=4.0)
    assert (watch.threshold, watch.window, watch.cooldown) == (0.25, 3, 4.0)
    watch = door.watch(threshold=0.25, window=3, cooldown=4.0)
    assert (watch.threshold, watch.window, watch.cooldown) == (0.7, 2, 30)
    assert watch.recording is not None
    assert watch.recording.samples.shape == (16_000,)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", " is empty; the file begins with 'version: 1'"),
        ("a: [", ":1: this is not YAML: "),
        ("\tversion: 1", ":1: this is not YAML: "),
        ("- door", ":1: the file is no mapping"),
        ("watches: []", ":1: there is no 'version'"),
        ("version: 2\nwatches: []", ":1: version is 2; expected 1"),
        ("version: 1\nwatches: 5", ":2: watches is no list"),
        ("version: 1\nwatches: []\nhum: 1", ":3: the file has no field 'hum'; there are version"),
        ("version: 1\nwatches:\n- 5", ":3: a watch is no mapping"),
        (changed("version: 1", "version: true"), ":1: version is True"),
        (changed("id: door", "name: door"), ":3: a watch has no field 'name'; there are id, kind"),
        (changed("  - id: door\n    i", "  - i"), ":3: the watch has no 'id'"),
        (changed("id: door", "id: a door"), ":3: the watch's id is 'a door'"),
        (changed("id: door", "id: on"), ":3: id is 'True'; expected text; put it in quotes"),
        (changed("id: plain", "id: door"), ":11: there is a watch 'door' already, in line 3"),
        (changed("kind: alert", "kind: alarm"), ":12: kind is 'alarm'; expected alert or narr"),
        (changed("threshold: 0.7", "threshold: 7"), ":5: watch 'door': threshold is 7;"),
        (changed("threshold: 0.7", "threshold: .nan"), ":5: watch 'door': threshold is nan;"),
        (changed("threshold: 0.7", "threshold: high"), ":5: threshold is 'high'; expected a num"),
        (changed("threshold: 0.7", "threshold: yes"), ":5: threshold is 'True'; expected a num"),
        (changed("threshold: 0.7", "id: again"), ":5: id is given twice"),
        (changed("window: 2", "window: 2.0"), ":6: window is '2.0'; expected a whole number"),
        (changed("window: 2", "window: 61"), ":6: watch 'door': window is 61; expected 1 to 60"),
        (changed("cooldown: 30", "cooldown: -1"), ":7: watch 'door': cooldown is -1 s"),
        (
            changed("threshold: 1}", "window: 2}"),
            ":10: watch 'story': window is 2 and cooldown",
        ),
        (changed("reply: true", "reply: 1"), ":8: reply is '1'; expected true or false"),
        (changed("door.wav", "gone.wav"), ":9: there is no file "),
        (changed("door.wav", "silent.wav"), ":9: .*silent.wav is a text, "),
        (changed("reply: true", "on_alert: []"), ":8: on_alert is not supported here"),
        (changed("alert me when it rings", '""'), ":13: watch 'plain': the instruction has 0 "),
        (changed("alert me when it rings", "x" * 501), ":13: .* the instruction has 501 "),
        (changed("alert me when it rings", "2026-13-45"), ":13: this value cannot be read: "),
        ("version: 1\nwatches: &a [*a]", ":2: a watch is no mapping"),
        ("[" * 10_000, "is not YAML"),
        ("version: 1\nwatches:\n" + "- {}\n" * 65, ":3: there are 65 watches; at most 64 fit"),
        ("#" * 300_000, " has more than 262144 bytes"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(path: Path, text: str, says: str) -> None:
    path.write_text(text)
    with pytest.raises(WatchFileError, match=says) as caught:
        read_watch_file(path)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 500


def test_a_file_that_is_not_there_or_no_text(path: Path) -> None:
    with pytest.raises(WatchFileError, match="cannot be read: No such file"):
        read_watch_file(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(WatchFileError, match="not text in UTF-8"):
        read_watch_file(path)


def test_hooks_are_made_by_whoever_runs_them(path: Path) -> None:
    path.write_text(changed("reply: true", "on_alert: [{command: [beep]}]"))

    def hooks(value: object) -> object:
        if value == []:
            raise ValueError("there is nothing to do")
        return ("hooks", value)

    assert read_watch_file(path, on_alert=hooks)[0].on_alert == ("hooks", [{"command": ["beep"]}])
    path.write_text(changed("reply: true", "on_alert: []"))
    with pytest.raises(WatchFileError, match=":8: on_alert: there is nothing to do"):
        read_watch_file(path, on_alert=hooks)
