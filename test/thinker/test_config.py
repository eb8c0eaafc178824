"""RomaConfig: what a checkpoint says of its own limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from roma_ros.thinker import CheckpointError, RomaConfig, RomaThinker, Vocabulary


def test_limits_are_written_and_read_again(tmp_path: Path) -> None:
    config = RomaConfig(
        trained_context_seconds=20.0,
        alert_replies=True,
        vocabulary=Vocabulary(sounds=("beep",), sights=("circle",), others=("appears",)),
    )
    config.save(tmp_path)
    assert RomaConfig.from_folder(tmp_path) == config


def test_a_folder_that_says_nothing_limits_nothing(tmp_path: Path) -> None:
    config = RomaConfig.from_folder(tmp_path)
    assert config.trained_context_seconds is None
    assert config.vocabulary is None
    assert config.alert_replies is False


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trained_context_seconds", 0),
        ("trained_context_seconds", -20.0),
        ("trained_context_seconds", 1e6),
        ("trained_context_seconds", float("nan")),
        ("trained_context_seconds", True),
        ("trained_context_seconds", "long"),
        ("trained_context_policy", "forget"),
        ("trained_context_policy", None),
        ("alert_replies", "yes"),
        ("alert_replies", 1),
        ("vocabulary", ["beep"]),
        ("vocabulary", {"sounds": 3}),
    ],
)
def test_limits_that_make_no_sense_are_refused(tmp_path: Path, key: str, value: object) -> None:
    (tmp_path / "roma_config.json").write_text(json.dumps({key: value}))
    with pytest.raises(CheckpointError, match=f"{key}|NaN is no number"):
        RomaConfig.from_folder(tmp_path)


def test_the_window_is_the_one_that_the_checkpoint_was_trained_for(tiny: RomaThinker) -> None:
    trained = tiny.config.trained_context_seconds
    assert trained == 20.0
    with tiny.open_session("alert me when you hear a beep") as session:
        assert session.window == 20
    assert tiny.context_warning(None) == tiny.context_warning(20.0) == ""
    warning = tiny.context_warning(60.0)
    assert "context_seconds is 60" in warning
    assert "at most 20 s" in warning
