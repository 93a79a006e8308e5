"""The gRPC port: one for all workers, nobody else's, and answered by each of them."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import TYPE_CHECKING

import grpc
import pytest
import running
from test_grpc_tls import refused

from identra.grpc.identra.v1 import identra_pb2 as v1
from identra.grpc.server import _end_with

if TYPE_CHECKING:
    from pathlib import Path

METHOD = "/identra.v1.IdentraService/ListOAuthProviders"
LIST_KEYS = "/identra.admin.v1.AdminService/ListKeys"


def answers(place: str) -> bool:
    """Whether a new connection is answered."""
    with grpc.insecure_channel(place, (("grpc.use_local_subchannel_pool", 1),)) as channel:
        call = channel.unary_unary(
            METHOD, response_deserializer=v1.ListOAuthProvidersResponse.FromString
        )
        return bool(call(b"", timeout=10, wait_for_ready=True).providers)


def with_port(folder: Path, port: int) -> Path:
    file = running.write_settings(folder)
    file.write_text(file.read_text().replace("grpc_port = 0", f"grpc_port = {port}"))
    return file


def test_a_taken_port_is_one_line_that_names_the_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = with_port(tmp_path, port)
        said = refused(file)
    assert said.count("\n") == 1
    assert f"{file}: grpc_port: can't listen on 127.0.0.1 port {port}" in said
    assert not (tmp_path / "identra.db").exists()


def test_a_port_is_not_shared_with_another_service_that_would_share_it(tmp_path: Path) -> None:
    """Workers share it among themselves; a second service must not get half of the calls."""
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    with running.identra(tmp_path / "first", "--workers", "2") as service:
        port = int(service.grpc.rpartition(":")[2])
        said = refused(with_port(tmp_path / "second", port))
        assert "grpc_port: can't listen on" in said
        assert answers(service.grpc)


def test_each_worker_answers_alone_and_the_port_is_free_once_all_have_ended(
    tmp_path: Path,
) -> None:
    with running.identra(tmp_path, "--workers", "2") as service:
        first = service.workers()
        for worker in first:
            others = [pid for pid in service.workers() if pid != worker]
            for pid in others:
                os.kill(pid, signal.SIGKILL)
            assert answers(service.grpc)
        assert set(first) != set(service.workers())
        assert service.stop() == 0
        host, _, port = service.grpc.rpartition(":")
        socket.create_server((host, int(port))).close()


OPERATORS = "[admin]\nenabled = true\nport = 0\ngrpc_port = {}\n"


def test_operators_have_a_port_of_their_own_that_every_worker_answers(tmp_path: Path) -> None:
    with running.identra(tmp_path, "--workers", "2", extra=OPERATORS.format(0)) as service:
        assert service.process.stdout
        told = [service.process.stdout.readline() for _ in range(2)]
        assert "/admin" in told[0]
        place, how = told[1].split()[1:]
        assert how == "(gRPC)"
        first = service.workers()
        for worker in first:
            for pid in [pid for pid in service.workers() if pid != worker]:
                os.kill(pid, signal.SIGKILL)
            assert status(place, LIST_KEYS) is grpc.StatusCode.UNAUTHENTICATED
            assert status(place, METHOD) is grpc.StatusCode.UNIMPLEMENTED
            assert status(service.grpc, LIST_KEYS) is grpc.StatusCode.UNIMPLEMENTED
        assert service.stop() == 0
        socket.create_server(("127.0.0.1", int(place.rpartition(":")[2]))).close()


def status(place: str, method: str) -> grpc.StatusCode:
    """How a new connection is answered that shows no key."""
    apart = (("grpc.use_local_subchannel_pool", 1),)
    with grpc.insecure_channel(place, apart) as channel, pytest.raises(grpc.RpcError) as refused:
        channel.unary_unary(method)(b"", timeout=10, wait_for_ready=True)
    code: grpc.StatusCode = refused.value.code()
    return code


def test_a_taken_port_of_operators_is_one_line_that_names_its_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = running.write_settings(tmp_path, OPERATORS.format(port))
        said = refused(file)
    assert said.count("\n") == 1
    assert f"{file}: admin.grpc_port: can't listen on 127.0.0.1 port {port}" in said


async def test_a_worker_whose_server_ends_by_itself_asks_to_be_replaced() -> None:
    told, server = asyncio.Event(), grpc.aio.server()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    try:
        await server.start()
        watched = asyncio.create_task(_end_with(server, asyncio.Event()))
        await server.stop(None)
        await asyncio.wait_for(told.wait(), running.PATIENCE)
        await watched
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
