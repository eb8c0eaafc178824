"""The field `on_alert` of a file of watches."""

from __future__ import annotations

import pytest

from roma_ros.hooks import CommandHook, HookError, WebhookHook, parse_hooks


def test_all_that_a_watch_may_have() -> None:
    command, webhook = parse_hooks(
        {
            "command": ["true", "--loud"],
            "webhook": {"url": "http://127.0.0.1:1/", "attempts": 2, "timeout": 1.5},
        }
    )
    assert isinstance(command, CommandHook)
    assert isinstance(webhook, WebhookHook)
    assert (webhook.attempts, webhook.timeout) == (2, 1.5)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "expected a mapping"),
        ({}, "expected a mapping"),
        ("true", "expected a mapping"),
        ({"shell": "x"}, "no hook 'shell'"),
        ({"command": {"url": "x"}}, "no setting 'url'"),
        ({"webhook": 3}, "expected a url"),
        ({"webhook": {"attempts": 2}}, "expected a url"),
        ({"webhook": {"url": "http://h/", "attempts": 0}}, "from 1 to 20"),
        ({"webhook": {"url": "http://h/", "timeout": True}}, "seconds"),
        ({"command": {"command": "true", "timeout": -1}}, "seconds"),
    ],
)
def test_what_is_wrong_is_named(value, said) -> None:
    with pytest.raises(HookError, match=said):
        parse_hooks(value)
