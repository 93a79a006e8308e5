"""Operators' programs, each with a key of its own, at the REST door and the gRPC door alike."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import doors
import grpc
import running
from callers import open_house
from google.api import annotations_pb2
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

from identra.adminkeys import SCOPES
from identra.grpc.services import ADMIN
from identra.values import HOUR

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

    from callers import House
    from homes import Sections

    from identra.adminkeys import Scope
    from identra.settings import Persistence

ON: Sections = {"admin": {"enabled": True}}
PATIENCE = 30


@dataclass(frozen=True)
class Program:
    """Somebody who calls with a key, or with whatever else stands in its place."""

    house: House
    channel: grpc.aio.Channel
    key: str | None
    name: str = ""

    @property
    def by(self) -> str:
        """How the record names it."""
        return f"admin key {self.name}"

    def showing(self, key: str | None) -> Program:
        """The same with another key."""
        return replace(self, key=key)

    async def call(self, method: str, **said: Any) -> doors.Told:
        """By gRPC."""
        found = ADMIN.methods_by_name[method]
        request = json_format.ParseDict(said, GetMessageClass(found.input_type)())
        answer = GetMessageClass(found.output_type)
        return await send(self.channel, ADMIN.full_name, method, request, self._bearer(), answer)

    async def ask(self, method: str, **said: Any) -> doors.Told:
        """By the route that the .proto names."""
        rule = ADMIN.methods_by_name[method].GetOptions().Extensions[annotations_pb2.http]
        way = rule.WhichOneof("pattern")
        named = set(re.findall(r"{(\w+)}", getattr(rule, way)))
        path = getattr(rule, way).format(**{name: said[name] for name in named})
        rest = {name: value for name, value in said.items() if name not in named}
        sent: dict[str, Any] = {"json": rest} if way == "post" else {"params": rest}
        headers = dict(self._bearer())
        answer = await self.house.http.request(way.upper(), path, headers=headers, **sent)
        return doors.told_of(answer)

    def _bearer(self) -> tuple[tuple[str, str], ...]:
        return () if self.key is None else (("authorization", f"Bearer {self.key}"),)


async def send(  # noqa: PLR0917 - what a call is made of
    channel: grpc.aio.Channel,
    service: str,
    method: str,
    request: Any,
    metadata: tuple[tuple[str, str], ...],
    answer: Any,
) -> doors.Told:
    """One call over gRPC, of a message or of bytes."""
    call = channel.unary_unary(
        f"/{service}/{method}",
        request_serializer=lambda one: one if isinstance(one, bytes) else one.SerializeToString(),
        response_deserializer=answer.FromString,
    )(request, metadata=metadata, timeout=PATIENCE)
    try:
        told = await call
    except grpc.aio.AioRpcError as error:
        return doors.failure(error)
    return doors.Told(0, plain(told), headers=dict(await call.initial_metadata()))


def plain(message: Any) -> dict[str, Any]:
    """A message as REST writes it: what is optional and absent is not there."""
    return {
        field.name: _value(getattr(message, field.name))
        for field in message.DESCRIPTOR.fields
        if not field.has_presence or message.HasField(field.name)
    }


def _value(held: Any) -> Any:
    if hasattr(held, "DESCRIPTOR"):
        return plain(held)
    if isinstance(held, str | bytes | bool | int):
        return held
    return dict(held) if hasattr(held, "items") else [_value(one) for one in held]


@asynccontextmanager
async def operated(
    folder: Path, place: Persistence, sections: Sections | None = None, **edges: Any
) -> AsyncIterator[tuple[House, Program]]:
    """A house that lets operators in from outside, and a program that may do everything."""
    said = {**ON, **(sections or {})}
    async with (
        open_house(folder, place, sections=said, **edges) as house,
        running.rpc_of(house.app) as rpc,
        grpc.aio.insecure_channel(rpc) as channel,
    ):
        yield house, await given(house, channel, "everything", SCOPES)


async def given(
    house: House, channel: grpc.aio.Channel, name: str, scopes: Collection[Scope]
) -> Program:
    """A program with a new key for these scopes."""
    back = house.app.backoffice
    assert back
    _, key = await back.clearance._keys.create(name, scopes, life=HOUR)
    return Program(house, channel, key, name)
