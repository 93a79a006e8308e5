"""Spans by OpenTelemetry: made here, batched by its own thread, sent by OTLP over HTTP.

Nothing is global: the library's own provider and propagator stay as they are.
"""

from __future__ import annotations

import asyncio
import threading
from asyncio import CancelledError
from contextlib import contextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import (
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from identra.errors import IdentraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from opentelemetry.trace import Span

    from identra.settings.sections import Tracing
    from identra.tracer import Door, Neighbour

LONGEST_FLUSH: Final = 2.0
"""Seconds that a closing process waits for its last spans to be taken."""
_SERVERS_FAULT: Final = 500


def provide(tracing: Tracing) -> TracerProvider:
    """A provider of the settings; what they don't say is the standard environment's to say."""
    sample, endpoint = tracing.sample, tracing.endpoint
    release = {SERVICE_NAME: "identra", SERVICE_VERSION: version("identra")}
    provider = TracerProvider(
        sampler=None if sample is None else ParentBased(TraceIdRatioBased(sample)),
        resource=Resource.create(release).merge(OTELResourceDetector().detect()),
        shutdown_on_exit=False,
    )
    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces" if endpoint else None)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


class Telemetry:
    """Keeps the `Tracer` contract of `identra.tracer`."""

    on = True

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("identra", version("identra"))
        self._format = TraceContextTextMapPropagator()

    @contextmanager
    def serving(
        self, door: Door, method: str, route: str, said: Mapping[str, str]
    ) -> Iterator[Callable[[int], None]]:
        """A span of kind SERVER, in the caller's trace where she named one."""
        name, facts = _named(door, method, route)
        with self._tracer.start_as_current_span(
            name,
            self._format.extract(said, Context()),
            SpanKind.SERVER,
            facts,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:

            def answered(status: int) -> None:
                span.set_attribute("http.response.status_code", status)

            try:
                with _noting(span):
                    yield answered
            except IdentraError as failure:
                answered(failure.status)
                raise

    @contextmanager
    def asking(self, neighbour: Neighbour, name: str, what: str) -> Iterator[Mapping[str, str]]:
        """A span of kind CLIENT, within that of the request."""
        passed: dict[str, str] = {}
        if not get_current_span().get_span_context().is_valid:
            yield passed
            return
        called, facts = _asked(neighbour, name, what)
        with self._tracer.start_as_current_span(
            called,
            kind=SpanKind.CLIENT,
            attributes=facts,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            self._format.inject(passed)
            with _noting(span):
                yield passed

    async def close(self) -> None:
        """Send what is left, within bounds: a collector that hangs holds up nobody's end."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop did not wait so long
                loop.call_soon_threadsafe(over.set)

        threading.Thread(target=shut_down, name="identra-spans", daemon=True).start()
        with suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), LONGEST_FLUSH)


@contextmanager
def _noting(span: Span) -> Iterator[None]:
    """Record what raises by its name: its words may hold a value."""
    try:
        yield
    except IdentraError as failure:
        span.set_attribute("error.type", failure.reason)
        if failure.status >= _SERVERS_FAULT:
            span.set_status(Status(StatusCode.ERROR))
        raise
    except CancelledError:
        span.set_attribute("error.type", "cancelled")
        raise
    except BaseException as fault:
        span.set_attribute("error.type", type(fault).__name__)
        span.set_status(Status(StatusCode.ERROR))
        raise


def _named(door: Door, method: str, route: str) -> tuple[str, dict[str, str]]:
    if door == "gRPC":
        return route.removeprefix("/"), {"rpc.system.name": "grpc", "rpc.method": route[1:]}
    facts = {"http.request.method": method, "http.route": route}
    return f"{method} {route}", facts


def _asked(neighbour: Neighbour, name: str, what: str) -> tuple[str, dict[str, str]]:
    if neighbour == "database":
        return what, {"db.system.name": name, "db.query.summary": what}
    return f"{what} {name}", {"http.request.method": what, "identra.provider": name}
