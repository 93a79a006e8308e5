"""The services of the door: which are served where, and what each method makes of a message."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from google.protobuf.message_factory import GetMessageClass

from identra.grpc import admin, methods
from identra.grpc.identra.admin.v1 import admin_pb2
from identra.grpc.identra.v1 import identra_pb2
from identra.grpc.messages import read_message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from google.protobuf.descriptor import ServiceDescriptor
    from google.protobuf.message import Message

    from identra.app import App
    from identra.grpc.call import Call

Deed: TypeAlias = "Callable[[App, Call, bytes], Awaitable[Message]]"
"""What a method does: the hall, the call, the bytes of its message; the answer's message."""

IDENTRA: Final = identra_pb2.DESCRIPTOR.services_by_name["IdentraService"]
ADMIN: Final = admin_pb2.DESCRIPTOR.services_by_name["AdminService"]


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a .proto, and what each of its methods does, by their names there."""

    name: str
    deeds: Mapping[str, Deed]


def shared(app: App) -> tuple[Service, ...]:
    """What is served on the gRPC port: also what is for operators, unless they have their own."""
    acts = methods.served(app.providers)
    everybodys = _service(IDENTRA, lambda name, takes: partial(_do, acts[name], takes))
    with_operators = app.backoffice and app.settings.admin.port is None
    return (everybodys, *operators(app)) if with_operators else (everybodys,)


def operators(app: App) -> tuple[Service, ...]:
    """What is served on the operators' own port; nothing unless they are let in from outside."""
    if app.backoffice is None:
        return ()
    made = _service(ADMIN, lambda name, takes: partial(admin.do, admin.ERRANDS[name], takes))
    return (made,)


def _service(descriptor: ServiceDescriptor, deed: Callable[[str, type[Message]], Deed]) -> Service:
    deeds = {
        one.name: deed(one.name, GetMessageClass(one.input_type)) for one in descriptor.methods
    }
    return Service(descriptor.full_name, deeds)


async def _do(act: methods.Act, takes: type[Message], app: App, call: Call, raw: bytes) -> Message:
    return await act(app, call, read_message(takes, raw))
