"""The doors of one service, asked alike: REST, gRPC from Python, and gRPC from Node."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import grpc
import httpx
from google.api import annotations_pb2
from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from wires import certificates

from identra.grpc.services import IDENTRA as SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
PATIENCE = 30
Said = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What came back: the gRPC status number; a failure's reason, message, fields and wait."""

    code: int
    answer: Said = field(default_factory=dict)
    reason: str = ""
    message: str = ""
    fields: frozenset[tuple[str, str]] = frozenset()
    waits: bool = False
    headers: Said = field(default_factory=dict, compare=False)


class Door(Protocol):
    """One way to call a method of the .proto."""

    name: str

    def ask(self, method: str, request: Said, metadata: dict[str, str]) -> Told: ...


class Rest:
    """By the route that the .proto names."""

    name = "rest"

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def ask(self, method: str, request: Said, metadata: dict[str, str]) -> Told:
        rule = SERVICE.methods_by_name[method].GetOptions().Extensions[annotations_pb2.http]
        way = rule.WhichOneof("pattern")
        said: Said = {"params": request} if way == "get" else {"json": request}
        return told_of(
            self._http.request(way.upper(), getattr(rule, way), headers=metadata, **said)
        )


class Rpc:
    """By grpcio, from the descriptor alone."""

    name = "python"

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel

    def ask(self, method: str, request: Said, metadata: dict[str, str]) -> Told:
        found = SERVICE.methods_by_name[method]
        call = self._channel.unary_unary(
            f"/{SERVICE.full_name}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(found.output_type).FromString,
        )
        message = json_format.ParseDict(request, GetMessageClass(found.input_type)())
        try:
            answer, ended = call.with_call(
                message, metadata=tuple(metadata.items()), timeout=PATIENCE
            )
        except grpc.RpcError as error:
            return failure(error)
        return Told(0, as_json(answer), headers=dict(ended.initial_metadata()))


class Node:
    """By @grpc/grpc-js, which reads the .proto itself."""

    name = "node"

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, method: str, request: Said, metadata: dict[str, str]) -> Told:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([method, request, metadata]) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        told["fields"] = frozenset(map(tuple, told.get("fields", ())))
        return Told(**told)


@contextmanager
def opened(url: str, place: str, modules: Path) -> Iterator[tuple[Door, ...]]:
    """All three of a running service."""
    with (
        httpx.Client(base_url=url, timeout=PATIENCE, verify=certificates()) as http,
        grpc.insecure_channel(place) as channel,
        _node(place, modules) as process,
    ):
        yield Rest(http), Rpc(channel), Node(process)


@contextmanager
def _node(place: str, modules: Path) -> Iterator[subprocess.Popen[str]]:
    program = ["node", str(HERE / "node/ask.mjs"), place, str(HERE.parent / "proto")]
    assert modules.parent == HERE / "node"
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


def told_of(answer: httpx.Response) -> Told:
    """What an answer of the REST door says."""
    body, headers = answer.json(), dict(answer.headers)
    if answer.is_success:
        return Told(0, body, headers=headers)
    return Told(
        body["code"],
        reason=body["reason"],
        message=body["message"],
        fields=frozenset((one["field"], one["message"]) for one in body["details"]),
        waits="retry-after" in headers,
        headers=headers,
    )


def failure(error: Any) -> Told:
    """What a failure of grpcio says."""
    beside = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(beside.get("grpc-status-details-bin", b""))
    info, fields, retry = details.ErrorInfo(), details.BadRequest(), details.RetryInfo()
    for detail in status.details:
        any(detail.Unpack(kind) for kind in (info, fields, retry))
    return Told(
        error.code().value[0],
        reason=info.reason,
        message=error.details(),
        fields=frozenset((one.field, one.description) for one in fields.field_violations),
        waits=retry.retry_delay.seconds > 0,
        headers=beside,
    )


def as_json(message: Any) -> Said:
    """A message as REST would write it."""
    said = json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return _whole(said)


def _whole(said: Any) -> Any:
    if isinstance(said, dict):
        return {
            name: int(value) if name == "expires_at" else _whole(value)
            for name, value in said.items()
        }
    return [_whole(one) for one in said] if isinstance(said, list) else said
