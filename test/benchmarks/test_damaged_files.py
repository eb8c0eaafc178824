"""Damaged annotation files: a message that says where, never another error."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from roma_ros.benchmarks.errors import BenchmarkError
from roma_ros.benchmarks.registry import score
from roma_ros.benchmarks.score import ScoringProtocol

from .small import ANNOTATIONS, OFFICIAL, STREAMS

FILES = 100  # of each of ten benchmarks
ODD: tuple[Any, ...] = (
    *(None, True, -1, 3, 10**400, 1e300, 0.5, "", "x", "None", [], {}, [[]], [1, "a"], {"a": []}),
    *([[5, 2]], [["x", 3]], [-1, 4], "\x00", [None] * 3, [1e308] * 2),
)


def damaged(text: str, dice: random.Random) -> bytes:
    """The file with bytes cut out, put in or changed, or with a value of another kind."""
    if dice.random() < 0.5 and text[0] in "[{":
        return _with_other_values(text, dice).encode()
    content = bytearray(text.encode())
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(max(len(content), 1))
        kind = dice.randrange(4)
        if kind == 0:
            content[at:] = b""
        elif kind == 1:
            content[at : at + dice.randint(1, 30)] = b""
        elif kind == 2:
            piece = dice.choice([b"[", b"]", b"{", b'"', b",", b"\n", b"NaN", b"\xff", b"[" * 9999])
            content[at:at] = piece
        else:
            content[at : at + 1] = bytes([dice.randrange(256)])
    return bytes(content)


def _with_other_values(text: str, dice: random.Random) -> str:
    whole = not text.count("\n{") and text[0] in "[{"
    rows = json.loads(text) if whole else [json.loads(line) for line in text.splitlines()]
    for _ in range(dice.randint(1, 2)):
        places: list[tuple[Any, Any]] = []
        _places(rows, places)
        if not places:
            break
        holder, key = dice.choice(places)
        if dice.random() < 0.3:
            del holder[key]
        else:
            holder[key] = dice.choice(ODD)
    return json.dumps(rows) if whole else "".join(json.dumps(row) + "\n" for row in rows)


def _places(value: Any, places: list[tuple[Any, Any]]) -> None:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        places.append((value, key))
        if isinstance(inner, (dict, list)):
            _places(inner, places)


@pytest.mark.parametrize("name", ANNOTATIONS)
def test_a_damaged_annotation_file_is_scored_or_refused_with_its_place(
    name: str, tmp_path: Path
) -> None:
    dice = random.Random(name)
    official = tmp_path / "official"
    official.write_text(OFFICIAL[name], encoding="utf-8")
    bad = tmp_path / "damaged.json"
    outcomes: Counter[str] = Counter()
    for case in range(FILES):
        bad.write_bytes(damaged(ANNOTATIONS[name], dice))
        try:
            score(name, ScoringProtocol.OFFICIAL, bad, official)
        except BenchmarkError as error:
            message = str(error)
        else:
            outcomes["scored"] += 1
            continue
        assert "\n" not in message, (case, message)
        assert re.match(rf"{re.escape(str(bad))}|{re.escape(str(official))}", message)
        located = re.search(r", (row|line) \d|, video '|line \d+, column|: q_uid", message)
        whole_file = re.search(
            r"is empty|has no (video|question)|is missing|expected an object|stands twice in"
            r"|goes on after|is in no annotation row|has \d+ rows|nested too deeply|is not an"
            r"|is no number in JSON",
            message,
        )
        assert located or whole_file or "database" in message, (case, message)
        outcomes["located" if located else "whole file"] += 1
    assert outcomes["located"] > FILES / 4, outcomes


@pytest.mark.parametrize(
    ("name", "kind"),
    [*((name, "official") for name in OFFICIAL), *((name, "streams") for name in STREAMS)],
)
def test_a_damaged_predictions_file_is_scored_or_refused(
    name: str, kind: str, tmp_path: Path
) -> None:
    texts = OFFICIAL if kind == "official" else STREAMS
    dice = random.Random(f"{name} {kind}")
    annotations = tmp_path / "annotations"
    annotations.write_text(ANNOTATIONS[name], encoding="utf-8")
    bad = tmp_path / "damaged.json"
    protocol = ScoringProtocol.OFFICIAL if kind == "official" else ScoringProtocol.ONLINE
    refused = 0
    for _ in range(FILES // 2):
        bad.write_bytes(damaged(texts[name], dice))
        message = ""
        try:
            score(name, protocol, annotations, bad)
        except BenchmarkError as error:
            message = str(error)
            refused += 1
        assert message == "" or str(bad) in message or "id '" in message
    assert refused > FILES / 10
