"""Hook that publishes an MQTT message for each event."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from roma_ros.hooks.errors import DeliveryError, HookError
from roma_ros.hooks.hook import Hook
from roma_ros.journal import Record, encode

if TYPE_CHECKING:
    from paho.mqtt.client import Client

__all__ = ["MqttHook"]

PORTS = {"mqtt": 1883, "mqtts": 8883}
TIMEOUT = 10.0  # seconds until the broker has to confirm a message


@dataclass(eq=False)
class MqttHook(Hook):
    """Publish each event as JSON on an MQTT topic, at least once (QoS 1).

    It connects in the background, and reconnects when the connection is lost.

    Args:
        url: mqtt://host[:port]/topic, or mqtts:// for TLS.
        user_variable, password_variable: environment variables with the credentials; empty: none.
        attempts: tries of one event, 1 to 20.
        timeout: time within which the broker must confirm a message [s].

    Raises:
        HookError: the address or the credentials are wrong, or paho-mqtt is not installed.
    """

    url: str
    user_variable: str = ""
    password_variable: str = ""
    attempts: int = 6
    timeout: float = TIMEOUT
    _client: Client = field(init=False, repr=False)
    _topic: str = field(init=False, repr=False)
    _place: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            from paho.mqtt.client import Client
            from paho.mqtt.enums import CallbackAPIVersion
        except ImportError as error:
            raise HookError("MQTT needs paho-mqtt: pip install '.[hooks]'") from error
        try:
            parts = urlsplit(self.url)
            port = parts.port or PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise HookError(f"the MQTT address is invalid: {error}") from error
        self._topic = unquote(parts.path.lstrip("/"))
        if parts.scheme not in PORTS or not parts.hostname or not self._topic:
            raise HookError("an MQTT address is mqtt://host[:port]/topic, or mqtts:// for TLS")
        if parts.username or parts.password:
            raise HookError(
                "the MQTT address has a user or password; set user_variable and password_variable"
            )
        if any(mark in self.url for mark in "#?") or any(mark in self._topic for mark in "+#\0"):
            raise HookError(f"the MQTT topic {self._topic!r} must not have +, # or ?")
        self._place = f"{parts.scheme}://{parts.hostname}:{port}"
        self._client = Client(CallbackAPIVersion.VERSION2)
        if self.user_variable:
            user = _secret(self.user_variable)
            password = _secret(self.password_variable) if self.password_variable else None
            self._client.username_pw_set(user, password)
        if parts.scheme == "mqtts":
            self._client.tls_set()
        self._client.reconnect_delay_set(min_delay=1, max_delay=30)
        self._client.connect_async(parts.hostname, port)
        self._client.loop_start()

    def deliver(self, record: Record) -> None:
        if not self._client.is_connected():
            raise DeliveryError(f"{self} is not connected", retry_after=1.0)
        sent = self._client.publish(self._topic, encode(record).rstrip(), qos=1)
        try:
            sent.wait_for_publish(self.timeout)
        except (RuntimeError, ValueError) as error:
            raise DeliveryError(f"{self}: {error}", retry_after=1.0) from error
        if not sent.is_published():
            raise DeliveryError(f"{self} did not confirm within {self.timeout:g} s", 1.0)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def __str__(self) -> str:
        return f"MQTT {self._place}/{self._topic}"


def _secret(variable: str) -> str:
    value = os.environ.get(variable, "")
    if not value:
        raise HookError(f"${variable} is empty; set it to the MQTT credentials")
    return value
