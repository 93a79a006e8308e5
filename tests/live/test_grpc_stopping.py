"""Told to stop under load, the gRPC door turns callers away before it closes and breaks no call."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc
import running
from grpc_health.v1 import health_pb2, health_pb2_grpc

from identra.grpc.identra.v1 import identra_pb2 as v1

if TYPE_CHECKING:
    from pathlib import Path

CHAINS, CHANNELS = 16, 4
PASSWORD = "correct horse battery staple"
AT_ONCE = '[password]\nregistration = "immediate"\n[http]\ntrusted_proxies = ["127.0.0.0/8"]\n'
NOT_SERVING = 2


@dataclass
class Seen:
    """When calls began and ended and how, and when health turned, by one clock."""

    calls: list[tuple[float, float, grpc.StatusCode]] = field(default_factory=list)
    turned: list[float] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once every chain is well under way."""


async def test_no_call_in_flight_fails_and_health_turns_first(tmp_path: Path) -> None:
    with running.identra(tmp_path, "--workers", "2", extra=AT_ONCE) as service:
        seen = Seen()
        channels = [_channel(service.grpc) for _ in range(CHANNELS)]
        tokens = [await _register(channels[0], number) for number in range(CHAINS)]
        chains = [_chain(channels[n % CHANNELS], token, seen) for n, token in enumerate(tokens)]
        watches = [_watch(channel, seen) for channel in channels]
        running_calls = asyncio.gather(*chains, *watches, _poll(channels[0], seen))
        await seen.busy.wait()
        told = time.monotonic()
        service.process.send_signal(signal.SIGTERM)
        await running_calls
        assert await asyncio.to_thread(service.process.wait, running.PATIENCE) == 0
        for channel in channels:
            await channel.close()
    _judge(seen, told)
    with running.started(tmp_path / "identra.toml") as again:
        async with _channel(again.grpc) as channel:
            for token in seen.tokens:
                await _refresh(channel)(v1.RefreshTokenRequest(refresh_token=token))


def _judge(seen: Seen, told: float) -> None:
    """What was begun before is answered; what failed began after health had turned, cleanly."""
    failed = [call for call in seen.calls if call[2] is not grpc.StatusCode.OK]
    assert any(began < told < ended for began, ended, _ in seen.calls), "nothing was in flight"
    assert {code for _, _, code in failed} <= {grpc.StatusCode.UNAVAILABLE}
    assert len(seen.turned) == CHANNELS + 1
    assert min(began for began, _, _ in failed) > max(told, min(seen.turned))
    assert len(failed) == CHAINS


async def _register(channel: grpc.aio.Channel, number: int) -> str:
    register = channel.unary_unary(
        "/identra.v1.IdentraService/RegisterByPassword",
        request_serializer=v1.RegisterByPasswordRequest.SerializeToString,
        response_deserializer=v1.RegisterByPasswordResponse.FromString,
    )
    who = v1.RegisterByPasswordRequest(email=f"{number}@example.com", password=PASSWORD)
    answer = await register(who, metadata=(("x-forwarded-for", f"192.0.2.{number}"),))
    token: str = answer.token.refresh_token.token
    return token


async def _chain(channel: grpc.aio.Channel, token: str, seen: Seen) -> None:
    """Trade a token for the next one until that is refused."""
    refresh, code = _refresh(channel), grpc.StatusCode.OK
    while code is grpc.StatusCode.OK:
        began = time.monotonic()
        try:
            answer = await refresh(v1.RefreshTokenRequest(refresh_token=token))
            token = answer.token.refresh_token.token
        except grpc.aio.AioRpcError as error:
            code = error.code()
        seen.calls.append((began, time.monotonic(), code))
        if len(seen.calls) == 20 * CHAINS:
            seen.busy.set()
    seen.tokens.append(token)


async def _watch(channel: grpc.aio.Channel, seen: Seen) -> None:
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
    async for told in watch:
        if told.status == NOT_SERVING:
            seen.turned.append(time.monotonic())


async def _poll(channel: grpc.aio.Channel, seen: Seen) -> None:
    check = health_pb2_grpc.HealthStub(channel).Check
    while (await check(health_pb2.HealthCheckRequest())).status != NOT_SERVING:
        pass
    seen.turned.append(time.monotonic())


def _refresh(
    channel: grpc.aio.Channel,
) -> grpc.aio.UnaryUnaryMultiCallable[v1.RefreshTokenRequest, v1.RefreshTokenResponse]:
    return channel.unary_unary(
        "/identra.v1.IdentraService/RefreshToken",
        request_serializer=v1.RefreshTokenRequest.SerializeToString,
        response_deserializer=v1.RefreshTokenResponse.FromString,
    )


def _channel(place: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(place, (("grpc.use_local_subchannel_pool", 1),))
