"""What OpenTelemetry is told of requests: one trace through both doors, and nobody in it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import running
from collector import open_collector
from standin.github import Email, Person
from town import client
from visitor import PASSWORD, Visitor, token_of

from identra.grpc.identra.v1 import identra_pb2 as v1

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest
    from collector import Collector, Span
    from conftest import Build
    from town import Town

SERVER, CLIENT = 2, 3
REST_TRACE, RPC_TRACE = "0af7651916cd43dd8448eb211c80319c", "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "b7ad6b7169203331"
REFRESH = "identra.v1.IdentraService/RefreshToken"


MAKERS = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "identra.tracing.telemetry")
"""What makes spans and sends them; Redis' client imports further parts where they are."""


def parent_of(trace: str) -> dict[str, str]:
    return {"traceparent": f"00-{trace}-{PARENT}-01"}


@contextmanager
def followed(build_town: Build, **sections: Any) -> Iterator[tuple[Town, Collector]]:
    with open_collector() as collector:
        said = {"tracing": {"endpoint": collector.url}} | sections
        with build_town("sqlite", **said) as town:
            yield town, collector


def refresh_by_rpc(town: Town, pair: dict[str, Any]) -> None:
    with grpc.insecure_channel(town.service.grpc) as channel:
        call = channel.unary_unary(
            f"/{REFRESH}",
            request_serializer=v1.RefreshTokenRequest.SerializeToString,
            response_deserializer=v1.RefreshTokenResponse.FromString,
        )
        asked = v1.RefreshTokenRequest(refresh_token=pair["refresh_token"]["token"])
        call(asked, metadata=tuple(parent_of(RPC_TRACE).items()), timeout=10)


def children(collector: Collector, of: Span) -> list[Span]:
    return [span for span in collector.spans() if span.parent == of.own]


def test_a_request_is_followed_through_both_doors_the_database_and_the_provider(
    build_town: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with followed(build_town) as (town, collector), client(town.service) as http:
        visitor = Visitor(http, town)
        email = visitor.address("ada")
        trip = visitor.travel(Person(583231, "ada", (Email(email),)))
        welcome = visitor.post("/oauth/login", trip.body(), headers=parent_of(REST_TRACE))
        pair = welcome["token"]
        refresh_by_rpc(town, pair)
        body = {"email": email, "password": PASSWORD}
        assert visitor.refusal("/password/login", body) == (401, "INVALID_CREDENTIALS")

        login = collector.wait_for(lambda s: s.name == "POST /oauth/login")
        assert (login.kind, login.trace, login.parent) == (SERVER, REST_TRACE, PARENT)
        assert login.facts["http.response.status_code"] == 200
        asked = [span for span in children(collector, login) if span.kind == CLIENT]
        assert {span.trace for span in asked} == {REST_TRACE}
        assert {"BEGIN", "COMMIT", "INSERT identra_sessions"} <= {span.name for span in asked}
        calls = {span.own for span in asked if span.facts.get("identra.provider") == "github"}
        handed = {
            request.headers["traceparent"]
            for request in town.github.asked
            if "traceparent" in request.headers
        }
        assert handed
        assert handed == {f"00-{REST_TRACE}-{own}-01" for own in calls}

        refreshed = collector.wait_for(lambda s: s.name == REFRESH)
        assert (refreshed.kind, refreshed.trace, refreshed.parent) == (SERVER, RPC_TRACE, PARENT)
        assert children(collector, refreshed)

        refused = collector.wait_for(lambda s: s.name == "POST /password/login")
        assert refused.facts["error.type"] == "INVALID_CREDENTIALS"
        assert refused.facts["http.response.status_code"] == 401
        assert (refused.parent, refused.trace in {REST_TRACE, RPC_TRACE}) == ("", False)

        told = b"".join(collector.bodies)
        private = {email, PASSWORD, "127.0.0.1", town.github.client_secret, trip.code, trip.state}
        private |= {*token_of(pair).values(), pair["access_token"]["token"], "583231"}
        assert [word for word in private if word.encode() in told] == []


def test_a_collector_that_hangs_holds_up_neither_answers_nor_the_end(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        extra = f'[tracing]\nendpoint = "{endpoint}"\n'
        with running.identra(tmp_path, extra=extra) as service:
            assert httpx.get(f"{service.url}/.well-known/jwks.json").status_code == 200
            began = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - began < 10


def test_asked_for_without_the_extra_it_does_not_start(tmp_path: Path) -> None:
    absent = tmp_path / "absent/opentelemetry"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ImportError")
    file = running.write_settings(tmp_path, "[tracing]\n")
    done = subprocess.run(
        [sys.executable, "-m", "identra", "serve", "--config", str(file)],
        env=os.environ | {"PYTHONPATH": str(absent.parent)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode != 0
    assert "tracing: needs pip install identra[otel]" in done.stderr
    assert not (tmp_path / "identra.db").exists()


def test_not_asked_for_nothing_of_it_is_imported(tmp_path: Path) -> None:
    file = running.write_settings(tmp_path)
    ask = f"""
import asyncio, pathlib, sys
import identra.serve, identra.http.server, identra.grpc.server
from identra import app, settings, tracing
loaded = settings.load(pathlib.Path({str(file)!r}), {{}})
tracing.demand_library(loaded)
async def go():
    await app.prepare(loaded)
    await (await app.build(loaded)).close()
asyncio.run(go())
print([name for name in sys.modules if name.startswith({MAKERS})])
"""
    done = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
