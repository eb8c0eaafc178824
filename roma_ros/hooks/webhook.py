"""Hook that sends an HTTP request for each event."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from roma_ros.hooks.errors import DeliveryError, HookError
from roma_ros.hooks.hook import Hook
from roma_ros.journal import Record, encode

if TYPE_CHECKING:
    import httpx

__all__ = ["WebhookHook"]

TIMEOUT = 10.0  # seconds of one request
MAX_RETRY_AFTER = 60.0  # seconds; what a server asks for beyond it is cut
AGAIN = {408, 425, 429, 500, 502, 503, 504}  # statuses that may pass


@dataclass(eq=False)
class WebhookHook(Hook):
    """POST each event as JSON.

    A request that fails temporarily (no connection, 429, 5xx) is tried again. Every try has the
    same `Idempotency-Key`, by which a server recognizes a repeated event. Redirects are not
    followed.

    Args:
        url: address, http or https.
        token_variable: environment variable with a bearer token; empty: none is sent.
        attempts: tries of one event, 1 to 20.
        timeout: time after which a try fails [s].

    Raises:
        HookError: the address or the token is wrong, or httpx is not installed.
    """

    url: str
    token_variable: str = ""
    attempts: int = 6
    timeout: float = TIMEOUT
    _client: httpx.Client = field(init=False, repr=False)
    _place: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        try:
            import httpx
        except ImportError as error:
            raise HookError("a webhook needs httpx: pip install '.[hooks]'") from error
        try:
            parts = urlsplit(self.url)
            self._place = f"{parts.scheme}://{parts.hostname}:{parts.port or ''}".rstrip(":")
        except ValueError as error:
            raise HookError(f"the webhook's address is invalid: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise HookError("the webhook's address must begin with http:// or https:// and a host")
        headers = {"Content-Type": "application/json", "User-Agent": "roma_ros"}
        if self.token_variable:
            token = os.environ.get(self.token_variable, "")
            if not token:
                raise HookError(f"${self.token_variable} is empty; set it to the webhook's token")
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(headers=headers, timeout=self.timeout, follow_redirects=False)

    def deliver(self, record: Record) -> None:
        import httpx

        body = encode(record)
        key = sha256(body).hexdigest()[:32]
        try:
            response = self._client.post(self.url, content=body, headers={"Idempotency-Key": key})
        except httpx.InvalidURL as error:
            raise DeliveryError(f"{self}: {error}") from error
        except (httpx.TransportError, RuntimeError) as error:  # RuntimeError: closed meanwhile
            message = str(error) or type(error).__name__
            raise DeliveryError(f"{self} cannot be reached: {message}", retry_after=0.0) from error
        if response.is_success:
            return
        message = f"{self} answered {response.status_code} {response.reason_phrase}"
        if response.status_code not in AGAIN:
            raise DeliveryError(message)
        raise DeliveryError(
            message, retry_after=_retry_after(response.headers.get("Retry-After", ""))
        )

    def close(self) -> None:
        self._client.close()

    def __str__(self) -> str:
        return f"webhook {self._place}"  # a path and a query may hold secrets


def _retry_after(text: str) -> float:
    """Return the seconds of a Retry-After header; 0 for a date."""
    return min(MAX_RETRY_AFTER, float(text)) if text.isdecimal() else 0.0
