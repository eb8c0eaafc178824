"""Hooks: a command, a webhook or an MQTT message for each alert.

`HookRunner` delivers events in threads of its own, so that neither the model nor the sensors wait.
docs/events.md describes what each hook gets.
"""

from roma_ros.hooks.command import CommandHook
from roma_ros.hooks.errors import DeliveryError, HookError
from roma_ros.hooks.hook import Hook
from roma_ros.hooks.mqtt import MqttHook
from roma_ros.hooks.parse import parse_hooks
from roma_ros.hooks.runner import HookRunner, HookStats
from roma_ros.hooks.webhook import WebhookHook

__all__ = [
    "CommandHook",
    "DeliveryError",
    "Hook",
    "HookError",
    "HookRunner",
    "HookStats",
    "MqttHook",
    "WebhookHook",
    "parse_hooks",
]
