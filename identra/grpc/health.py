"""The standard health service (grpc.health.v1), which asks what `/readyz` asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message import DecodeError
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2 import (
    HealthCheckRequest,
    HealthCheckResponse,
    HealthListResponse,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from identra.app import App
    from identra.grpc.call import Context

LOOK_EVERY: Final = 2.0
"""Seconds between two looks for those who watch."""

MOST_WATCHERS: Final = 256
PATIENCE: Final = 5.0
"""Seconds to say which service one asks about."""

SERVICE: Final = health_pb2.DESCRIPTOR.services_by_name["Health"]


class Health:
    """Check, Watch and List; once `drain` was called, nothing serves any more.

    Asked about may be the services of these names; the empty one is the whole server.
    """

    def __init__(self, app: App, services: Iterable[str]) -> None:
        self._app = app
        self._services = frozenset({"", *services})
        self._draining = asyncio.Event()
        self._watchers = 0
        self._unwatched = asyncio.Event()
        self._unwatched.set()
        self.last_asked: float | None = None
        """When somebody last asked, by the loop's clock."""
        self.handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
            "Check": grpc.stream_unary_rpc_method_handler(self._check),
            "List": grpc.stream_unary_rpc_method_handler(self._list),
            "Watch": grpc.stream_stream_rpc_method_handler(self._watch),
        }
        """What answers each method, by its name in the .proto."""

    async def drain(self, patience: float) -> None:
        """Say NOT_SERVING from now on; return once all who watch have heard it."""
        self._draining.set()
        try:
            async with asyncio.timeout(patience):
                await self._unwatched.wait()
        except TimeoutError:
            return

    async def _check(self, _messages: object, context: Context) -> bytes:
        service = await self._asked(context)
        if service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "There is no such service here.", ())
        return _told(await self._status())

    async def _list(self, _messages: object, context: Context) -> bytes:
        await _read(context)
        status = HealthCheckResponse(status=await self._status())
        told: bytes = HealthListResponse(
            statuses=dict.fromkeys(self._services, status)
        ).SerializeToString()
        return told

    async def _watch(self, _messages: object, context: Context) -> None:
        service = await self._asked(context)
        if self._watchers >= MOST_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many watch already.", ())
        self._watchers += 1
        self._unwatched.clear()
        try:
            await self._tell(service, context)
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._unwatched.set()

    async def _tell(self, service: str, context: Context) -> None:
        told = None
        while True:
            last = self._draining.is_set()
            known = service in self._services
            status = await self._status() if known else int(HealthCheckResponse.SERVICE_UNKNOWN)
            if status != told:
                await context.write(_told(status))
                told = status
            if last:
                return
            await self._draining_within(LOOK_EVERY)

    async def _draining_within(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._draining.wait()
        except TimeoutError:
            return

    async def _asked(self, context: Context) -> str:
        """The service that is asked about."""
        self.last_asked = asyncio.get_running_loop().time()
        try:
            return str(HealthCheckRequest.FromString(await _read(context)).service)
        except DecodeError:
            says = "The message is not readable."
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, says, ())

    async def _status(self) -> int:
        ready = not self._draining.is_set() and (await self._app.readiness()).ready
        serves = ready and not self._draining.is_set()  # it may have begun meanwhile
        return int(HealthCheckResponse.SERVING if serves else HealthCheckResponse.NOT_SERVING)


def _told(status: int) -> bytes:
    message: bytes = HealthCheckResponse(status=status).SerializeToString()
    return message


async def _read(context: Context) -> bytes:
    raw: object = None
    try:
        async with asyncio.timeout(PATIENCE):
            raw = await context.read()
    except TimeoutError:
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "No message came.", ())
    return raw if isinstance(raw, bytes) else b""
