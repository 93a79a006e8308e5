"""What gRPC says beside its messages is what REST says in its headers."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import doors
import grpc
import httpx
import pytest
import running
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from identra.grpc.identra.v1 import identra_pb2 as v1

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.app import App

    Metadata = dict[str, str]

BEHIND_A_PROXY = '[http]\ntrusted_proxies = ["127.0.0.0/8"]\n'
SERVING, NOT_SERVING = 1, 2
SERVICES = ("", "identra.v1.IdentraService")


@asynccontextmanager
async def house(
    folder: Path, extra: str = "", *, whole_call: float = 15
) -> AsyncIterator[tuple[App, str, grpc.aio.Channel]]:
    """A hall, the URL of its REST door, and a channel to its gRPC door."""
    async with (
        running.door(folder, extra=extra) as (hall, url),
        running.rpc_of(hall, whole_call=whole_call) as place,
        grpc.aio.insecure_channel(place) as channel,
    ):
        yield hall, url, channel


async def ask(
    channel: grpc.aio.Channel, method: str, request: Any, metadata: tuple[tuple[str, str], ...] = ()
) -> doors.Told:
    call = channel.unary_unary(
        f"/identra.v1.IdentraService/{method}",
        request_serializer=lambda said: (
            said if isinstance(said, bytes) else said.SerializeToString()
        ),
        response_deserializer=getattr(v1, f"{method}Response", v1.GetJWKSResponse).FromString,
    )(request, metadata=metadata, timeout=20)
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return doors.failure(error)
    return doors.Told(0, doors.as_json(answer), headers=dict(await call.initial_metadata()))


async def test_the_request_id_is_the_caller_s_where_it_is_well_formed(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, _, channel):
        for method in ("GetJWKS", "RefreshToken"):
            request = getattr(v1, f"{method}Request")()
            told = await ask(channel, method, request, (("x-request-id", "mine-1"),))
            assert told.headers["x-request-id"] == "mine-1"
            other = await ask(channel, method, request, (("x-request-id", "not mine"),))
            assert other.headers["x-request-id"] != "not mine"
            ids = {told.headers["x-attempt-id"], other.headers["x-attempt-id"]}
            assert len(ids) == 2


async def test_the_keys_may_be_kept_as_long_as_over_rest(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, url, channel), httpx.AsyncClient(base_url=url) as http:
        told = await ask(channel, "GetJWKS", v1.GetJWKSRequest())
        rest = await http.get("/.well-known/jwks.json")
        assert told.answer == rest.json()
        for name in ("etag", "cache-control"):
            assert told.headers[name] == rest.headers[name]


@pytest.mark.parametrize("forwarded", ["198.51.100.7", "1.1.1.1, 198.51.100.7"])
async def test_both_doors_spend_the_same_allowance_of_a_peer(
    tmp_path: Path, forwarded: str
) -> None:
    """Ten wrong passwords a minute, wherever they are tried."""
    async with (
        house(tmp_path, BEHIND_A_PROXY) as (_, url, channel),
        httpx.AsyncClient(base_url=url) as http,
    ):
        said = (("x-forwarded-for", forwarded),)
        for turn in range(11):
            wrong = {"email": f"{turn}@example.com", "password": "not hers"}
            if turn % 2:
                told = await ask(
                    channel, "LoginByPassword", v1.LoginByPasswordRequest(**wrong), said
                )
                assert told.reason == "INVALID_CREDENTIALS"
            else:
                answer = await http.post("/password/login", json=wrong, headers=dict(said))
                assert answer.status_code == (401 if turn < 10 else 429)
        last = v1.LoginByPasswordRequest(email="last@example.com", password="not hers")
        told = await ask(channel, "LoginByPassword", last, said)
        assert (told.code, told.reason, told.waits) == (8, "RATE_LIMITED", True)
        elsewhere = await ask(
            channel, "LoginByPassword", last, (("x-forwarded-for", "203.0.113.1"),)
        )
        assert elsewhere.reason == "INVALID_CREDENTIALS"


async def test_what_a_stranger_forwards_is_not_read(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, _, channel):
        for turn in range(11):
            wrong = v1.LoginByPasswordRequest(email=f"{turn}@example.com", password="not hers")
            said = (("x-forwarded-for", f"198.51.100.{turn}"),)
            told = await ask(channel, "LoginByPassword", wrong, said)
        assert told.reason == "RATE_LIMITED"


async def test_a_call_that_never_sends_its_message_is_ended(tmp_path: Path) -> None:
    async with house(tmp_path, whole_call=0.3) as (_, _, channel):
        call = channel.stream_unary("/identra.v1.IdentraService/RefreshToken")()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        told = doors.failure(caught.value)
        assert (told.code, told.reason) == (4, "REQUEST_TIMEOUT")


async def test_a_call_without_a_message_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, _, channel):
        call = channel.stream_unary("/identra.v1.IdentraService/GetJWKS")(iter(()))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert doors.failure(caught.value).reason == "INVALID_ARGUMENT"


async def test_a_method_whose_provider_is_off_is_not_there(tmp_path: Path) -> None:
    off = "[providers.password]\nenabled = false\n"
    async with house(tmp_path, off) as (_, url, channel), httpx.AsyncClient(base_url=url) as http:
        said = {"email": "a@example.com", "password": "a good password"}
        told = await ask(channel, "LoginByPassword", v1.LoginByPasswordRequest(**said))
        rest = (await http.post("/password/login", json=said)).json()
        assert (told.code, told.reason) == (rest["code"], rest["reason"]) == (5, "NOT_FOUND")


async def test_no_other_method_is_served(tmp_path: Path) -> None:
    async with house(tmp_path) as (_, _, channel):
        told = await ask(channel, "Metrics", v1.GetJWKSRequest())
        assert (told.code, told.reason) == (12, "METHOD_NOT_ALLOWED")


async def test_health_tells_what_readiness_tells(tmp_path: Path) -> None:
    async with house(tmp_path) as (hall, _, channel):
        stub = health_pb2_grpc.HealthStub(channel)
        for service in SERVICES:
            asked = health_pb2.HealthCheckRequest(service=service)
            assert (await stub.Check(asked)).status == SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(health_pb2.HealthCheckRequest(service="another"))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        statuses = (await stub.List(health_pb2.HealthListRequest())).statuses
        assert {name: one.status for name, one in statuses.items()} == dict.fromkeys(
            SERVICES, SERVING
        )
        watch = stub.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
        await hall.database.close()
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING
        assert (await watch.read()).status == NOT_SERVING


async def test_watchers_hear_that_it_stops_and_are_let_go(tmp_path: Path) -> None:
    async with running.door(tmp_path) as (hall, _):
        async with running.rpc_of(hall) as place:
            channel = grpc.aio.insecure_channel(place)
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            unknown = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(service="another")
            )
            assert (await watch.read()).status == SERVING
            assert (await unknown.read()).status == 3
        assert (await watch.read()).status == NOT_SERVING
        assert await watch.read() is grpc.aio.EOF
        await channel.close()


@pytest.mark.parametrize("on", [True, False])
async def test_reflection_tells_the_methods_where_it_is_on(tmp_path: Path, on: bool) -> None:
    extra = "[grpc]\nreflection = true\n" if on else ""
    async with running.door(tmp_path, extra=extra) as (hall, _), running.rpc_of(hall) as place:
        found = await asyncio.to_thread(_services, place)
    services = {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert found == (services | {"identra.v1.IdentraService"} if on else None)


def _services(place: str) -> set[str] | None:
    with grpc.insecure_channel(place) as channel:
        try:
            return set(ProtoReflectionDescriptorDatabase(channel).get_services())
        except grpc.RpcError:
            return None
