"""A far side on a real loopback port, for programs that run beside the test."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol

import httpx
from standin.faults import Fault, Hangup, Slow

if TYPE_CHECKING:
    from collections.abc import Iterator


class FarSide(Protocol):
    """Anything that turns a request into a response."""

    def fault(self, request: httpx.Request) -> Fault | None: ...

    def answer(self, request: httpx.Request) -> httpx.Response: ...


@dataclass(frozen=True)
class Site:
    """Where it stands: `api_url` in the place an Enterprise Server keeps it."""

    base_url: str

    @property
    def api_url(self) -> str:
        return f"{self.base_url}/api/v3"


@contextmanager
def open_site(far: FarSide) -> Iterator[Site]:
    """Serve until the block ends, in threads of its own: fit for any event loop or none."""
    server = _Server(far)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield Site(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.ending.set()
        server.shutdown()
        serving.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # http.server's own 5 turns away some of twenty that come at once

    def __init__(self, far: FarSide) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.far = far
        self.ending = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def do_GET(self) -> None:
        self.close_connection = True
        request = self._request()
        fault = self.server.far.fault(request)
        if isinstance(fault, Hangup):
            return
        if isinstance(fault, Slow) and self.server.ending.wait(fault.seconds):
            return
        self._send(self.server.far.answer(request))

    do_POST = do_GET  # noqa: N815 - http.server's name

    def _request(self) -> httpx.Request:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = f"http://{self.headers['Host']}{self.path}"
        return httpx.Request(self.command, url, headers=list(self.headers.items()), content=body)

    def _send(self, response: httpx.Response) -> None:
        self.send_response(response.status_code)
        for name, value in response.headers.items():
            if name != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(response.content)

    def log_message(self, *_: object) -> None:
        return
