"""Webhooks against a real HTTP server that misbehaves."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from roma_ros.hooks import DeliveryError, HookError, HookRunner, WebhookHook

from .conftest import alert


class Receiver(ThreadingHTTPServer):
    """Answers with the next of its statuses, 200 when there is none."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.statuses: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/secret-path?key=secret"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Be quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_an_event_is_posted_as_json_with_its_token(receiver, monkeypatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "abc")
    WebhookHook(receiver.url, token_variable="HOOK_TOKEN").deliver(alert())
    ((headers, body),) = receiver.got
    assert json.loads(body)["watch"] == "door"
    assert headers["Authorization"] == "Bearer abc"
    assert headers["Content-Type"] == "application/json"


@pytest.mark.slow
def test_what_may_pass_is_tried_again_with_the_same_key(receiver) -> None:
    receiver.statuses = [503, 429]
    problems: list[str] = []
    runner = HookRunner([WebhookHook(receiver.url)], on_problem=problems.append)
    runner.submit(alert())
    runner.close(timeout=20)
    assert runner.stats.delivered == 1
    assert problems == []
    keys = {headers["Idempotency-Key"] for headers, _ in receiver.got}
    assert (len(receiver.got), len(keys)) == (3, 1)


@pytest.mark.parametrize("status", [301, 400, 404])
def test_what_will_not_pass_is_not_tried_again_and_no_secret_is_told(receiver, status) -> None:
    receiver.statuses = [status] * 5
    problems: list[str] = []
    runner = HookRunner([WebhookHook(receiver.url)], on_problem=problems.append)
    runner.submit(alert())
    runner.close(timeout=20)
    assert len(receiver.got) == 1
    assert runner.stats.failed == 1
    (problem,) = problems
    assert str(status) in problem
    assert "secret" not in problem


def test_nobody_there_is_told() -> None:
    with pytest.raises(DeliveryError, match="cannot be reached") as told:
        WebhookHook("http://127.0.0.1:1/").deliver(alert())
    assert told.value.retry_after is not None


@pytest.mark.parametrize("url", ["ftp://x/", "http://", "nonsense", "http://[::1", "file:///etc"])
def test_an_address_that_is_none_is_refused(url) -> None:
    with pytest.raises(HookError, match="address"):
        WebhookHook(url)


def test_an_empty_token_is_refused() -> None:
    with pytest.raises(HookError, match="NO_SUCH_TOKEN is empty"):
        WebhookHook("http://127.0.0.1/", token_variable="NO_SUCH_TOKEN")
