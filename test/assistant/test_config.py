"""The assistant's bounds are checked when they are given."""

from __future__ import annotations

import math

import pytest

from roma_ros.assistant.config import AssistantConfig, AssistantConfigError


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("context_seconds", 0.5),
        ("context_seconds", math.nan),
        ("max_tokens_per_unit", 0),
        ("reply_tokens", 0),
        ("answer_tokens", 129),
        ("max_watches", 0),
        ("max_questions", 0),
        ("first_unit_timeout", -1.0),
        ("max_backlog", 0),
    ],
)
def test_refuses_what_is_out_of_range(name, value):
    with pytest.raises(AssistantConfigError, match=f"{name} is {value}; expected"):
        AssistantConfig(**{name: value})
