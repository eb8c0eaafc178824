"""Parser of the field `on_alert` in a file of watches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from roma_ros.hooks.command import CommandHook
from roma_ros.hooks.errors import HookError
from roma_ros.hooks.hook import Hook
from roma_ros.hooks.mqtt import MqttHook
from roma_ros.hooks.webhook import WebhookHook

__all__ = ["parse_hooks"]

_KINDS: dict[str, tuple[Callable[..., Hook], str, frozenset[str]]] = {
    "command": (CommandHook, "command", frozenset({"timeout"})),
    "webhook": (WebhookHook, "url", frozenset({"token_variable", "attempts", "timeout"})),
    "mqtt": (
        MqttHook,
        "url",
        frozenset({"user_variable", "password_variable", "attempts", "timeout"}),
    ),
}


def parse_hooks(value: Any) -> tuple[Hook, ...]:
    """Return the hooks that a YAML value describes.

    Args:
        value: mapping with any of `command` (a string, or a list of program and arguments),
            `webhook` and `mqtt` (each an address, or a mapping with `url` and settings).

    Raises:
        HookError: the value is of another form, or a hook's settings are wrong.
    """
    if not isinstance(value, dict) or not value:
        raise HookError(
            f"the hooks are {str(value)[:40]!r}; expected a mapping with {', '.join(_KINDS)}"
        )
    return tuple(_hook(str(kind), setting) for kind, setting in value.items())


def _hook(kind: str, value: Any) -> Hook:
    if kind not in _KINDS:
        raise HookError(f"there is no hook {kind[:40]!r}; expected {', '.join(_KINDS)}")
    make, main, known = _KINDS[kind]
    if not isinstance(value, dict):
        return make(_main(kind, main, value))
    settings = {str(name): setting for name, setting in value.items()}
    if unknown := sorted(set(settings) - known - {main}):
        raise HookError(f"{kind} has no setting {unknown[0][:40]!r}; there are {sorted(known)}")
    first = _main(kind, main, settings.pop(main, None))
    for name, setting in settings.items():
        _check(kind, name, setting)
    return make(first, **settings)


def _main(kind: str, main: str, value: Any) -> Any:
    listed = main == "command" and isinstance(value, list)
    if not isinstance(value, str) and not listed:
        raise HookError(f"{kind} is {str(value)[:40]!r}; expected a {main}")
    return value


def _check(kind: str, name: str, value: Any) -> None:
    if name.endswith("_variable"):
        good, wanted = isinstance(value, str), "the name of an environment variable"
    elif name == "attempts":
        good = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 20
        wanted = "a whole number from 1 to 20"
    else:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        good, wanted = number and 0 < value <= 3600, "seconds, above 0 to 3600"
    if not good:
        raise HookError(f"{kind}: {name} is {str(value)[:40]!r}; expected {wanted}")
