"""A collector of traces that keeps what it is sent by OTLP over HTTP."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 20


@dataclass(frozen=True)
class Span:
    """What a test looks at of one."""

    name: str
    kind: int
    trace: str
    own: str
    parent: str
    facts: dict[str, Any]


@dataclass
class Collector:
    """Where it is, and the bodies that came."""

    url: str = ""
    bodies: list[bytes] = field(default_factory=list)

    def spans(self) -> list[Span]:
        """Every span by now."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            _read(span)
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait_for(self, wanted: Callable[[Span], bool]) -> Span:
        """The first such span, once it is there."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if found := next(filter(wanted, self.spans()), None):
                return found
            time.sleep(0.02)
        raise AssertionError(f"no such span among {sorted({span.name for span in self.spans()})}")


@contextmanager
def open_collector() -> Iterator[Collector]:
    """Listen until the block ends."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            assert self.path == "/v1/traces"
            collector.bodies.append(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    collector.url = f"http://127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    try:
        yield collector
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _read(span: Any) -> Span:
    values = {each.key: each.value for each in span.attributes}
    facts = {name: getattr(value, value.WhichOneof("value")) for name, value in values.items()}
    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
    return Span(span.name, span.kind, *ids, facts)
