"""What the role's nginx lets through, and what it says itself: a real one, before two stubs."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from chaos.nginx import Front, open_front
from machines import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

METHOD = "/identra.v1.IdentraService/GetJWKS"
SAID = {
    "x-forwarded-for": "203.0.113.9",
    "x-request-id": "mine",
    "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01",
    "tracestate": "mine=1",
}
"""What a caller would like to have believed."""

FOUND: list[dict[str, str]] = []
"""What arrived over gRPC."""


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with (
        _rest() as rest,
        _grpc() as rpc,
        open_front(["127.0.0.1"], rest, rpc, tmp_path_factory.mktemp("front")) as front,
    ):
        yield front


def test_over_rest_a_caller_is_who_calls(front: Front) -> None:
    _judge(_ask(front, headers=SAID)[1])


def test_over_grpc_a_caller_is_who_calls(front: Front) -> None:
    trusted = grpc.ssl_channel_credentials(front.trust)
    with grpc.secure_channel(front.place, trusted) as channel:
        channel.unary_unary(METHOD)(b"", metadata=tuple(SAID.items()), timeout=10)
    _judge(FOUND[-1])


def _judge(arrived: Mapping[str, str]) -> None:
    assert arrived["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
    assert arrived["x-request-id"] != "mine"
    assert not {"traceparent", "tracestate"} & arrived.keys()


def test_a_body_that_the_service_would_refuse_does_not_reach_it(front: Front) -> None:
    assert _ask(front, b"x" * (64 << 10))[0] == 200
    assert _ask(front, b"x" * (64 << 10) + b"x")[0] == 413


def _ask(
    front: Front, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    host, port = front.place.split(":")
    asked = HTTPSConnection(host, int(port), timeout=10, context=front.context())
    try:
        asked.request("POST" if body else "GET", "/", body, dict(headers or {}))
        answer = asked.getresponse()
        told = answer.read()
        return answer.status, json.loads(told) if answer.status == 200 else None
    finally:
        asked.close()


class _Echo(BaseHTTPRequestHandler):
    """Answers by what arrived."""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_GET  # noqa: N815 - as the library calls it

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _rest() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@contextmanager
def _grpc() -> Iterator[int]:
    def answer(_: bytes, context: grpc.ServicerContext) -> bytes:
        FOUND.append(dict(context.invocation_metadata()))
        return b""

    service, _, name = METHOD[1:].partition("/")
    handlers = {name: grpc.unary_unary_rpc_method_handler(answer)}
    server, port = grpc.server(ThreadPoolExecutor(1)), free_port()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    yield port
    server.stop(None)
