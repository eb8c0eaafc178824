"""Real servers on loopback: files over HTTP, and an MPEG transport stream at its pace over HTTP or
RTSP, which can be cut, stalled and refused."""

from __future__ import annotations

import base64
import functools
import http.server
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import av

__all__ = ["LiveStream", "file_server", "http_live_server", "rtsp_server"]

PACKET = 188  # bytes of the transport stream
PATIENCE = 10.0  # seconds that a client may be slow


class LiveStream:
    """What the live servers send, from the beginning to each client, and what goes wrong.

    Attributes:
        clients: connections so far.
        limit: packets that a client gets before its connection is cut; `None`: all.
        stalled: while it is set, nothing is sent.
        refuses: while it is set, new clients are refused.
        speed: seconds of the stream in a second.
    """

    def __init__(self, path: Path) -> None:
        self.clients = 0
        self.stalled, self.refuses, self.cut = (threading.Event() for _ in range(3))
        self.speed = 1.0
        self._data = path.read_bytes()
        self._schedule: list[tuple[float, int]] = []  # seconds, and up to which byte
        with av.open(str(path)) as container:
            for packet in container.demux():
                if packet.dts is not None and packet.pos:
                    assert packet.time_base is not None
                    self._schedule.append((float(packet.dts * packet.time_base), packet.pos))
        self._schedule.append((self._schedule[-1][0], len(self._data)))

    def send(self, write: Callable[[bytes], object]) -> None:
        """Send all to one client, at its pace; a cut ends it early."""
        self.clients += 1
        self.cut.clear()
        begin, first, sent = time.monotonic(), self._schedule[0][0], 0
        for seconds, position in self._schedule:
            due = begin + (seconds - first) / self.speed
            while time.monotonic() < due or self.stalled.is_set():
                if self.cut.wait(0.005):
                    return
            if position > sent:
                write(self._data[sent:position])
                sent = position


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


class _FileHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Be quiet."""


@contextmanager
def file_server(folder: Path) -> Iterator[str]:
    """Serve the files of a folder; yields its address."""
    handler = functools.partial(_FileHandler, directory=str(folder))
    with _serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def http_live_server(stream: LiveStream) -> Iterator[str]:
    """Serve a live stream without a length, as network cameras do; yields its address."""

    class Handler(_FileHandler):
        def do_GET(self) -> None:
            if stream.refuses.is_set():
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", "video/mp2t")
            self.end_headers()
            with suppress(OSError):  # the client has gone
                stream.send(self.wfile.write)

    with _serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}/live.ts"


@contextmanager
def rtsp_server(stream: LiveStream, *, password: str | None = None) -> Iterator[str]:
    """Serve a live stream by RTSP, RTP within its TCP connection; yields HOST:PORT/PATH."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client has gone
                while (request := self._request()) is not None:
                    self._reply(*request)

        def _request(self) -> tuple[str, dict[str, str]] | None:
            line = self.rfile.readline().decode()
            headers: dict[str, str] = {}
            while (header := self.rfile.readline().decode().strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            return (line.split()[0], headers) if line.strip() else None

        def _reply(self, method: str, headers: dict[str, str]) -> None:
            if stream.refuses.is_set():
                raise OSError("refused")
            given = headers.get("authorization", "").removeprefix("Basic ")
            if password is not None and base64.b64decode(given).decode() != f"user:{password}":
                self._answer(headers, "401 Unauthorized", 'WWW-Authenticate: Basic realm="cam"')
                return
            if method == "OPTIONS":
                self._answer(headers, "200 OK", "Public: DESCRIBE, SETUP, PLAY, TEARDOWN")
            elif method == "DESCRIBE":
                body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\n"
                body += "m=video 0 RTP/AVP 33\r\na=rtpmap:33 MP2T/90000\r\na=control:track\r\n"
                lines = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}"
                self._answer(headers, "200 OK", lines, body)
            elif method == "SETUP":
                lines = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1"
                self._answer(headers, "200 OK", lines)
            elif method == "PLAY":
                self._answer(headers, "200 OK", "Session: 1")
                self._sequence = 0
                stream.send(self._write)
                self.connection.shutdown(socket.SHUT_RDWR)

        def _answer(self, headers: dict[str, str], status: str, lines: str, body: str = "") -> None:
            head = f"RTSP/1.0 {status}\r\nCSeq: {headers.get('cseq', '0')}\r\n{lines}\r\n\r\n"
            self.wfile.write((head + body).encode())

        def _write(self, data: bytes) -> None:
            """RTP packets of at most seven packets of the transport stream (RFC 2250)."""
            for first in range(0, len(data), 7 * PACKET):
                part = data[first : first + 7 * PACKET]
                clock = round(time.monotonic() * 90_000) & 0xFFFFFFFF
                header = struct.pack(">BBHII", 0x80, 33, self._sequence & 0xFFFF, clock, 1)
                self._sequence += 1
                frame = header + part
                self.wfile.write(struct.pack(">cBH", b"$", 0, len(frame)) + frame)

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with _serving(Server(("127.0.0.1", 0), Handler)) as port:
        yield f"127.0.0.1:{port}/live"
