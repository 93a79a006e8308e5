"""What a running service tells of itself is exact, whichever worker did it, and names nobody."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import running
import scraping
import servers
from forging import opened, write
from homes import write_settings
from standin.github import Email, Person
from town import WORKERS, client
from visitor import PASSWORD, Visitor, bearer, token_of

from identra.app import build
from identra.keys import new_pair
from identra.metrics.causes import CAUSES, cause_of
from identra.secret import uuid7
from identra.settings import Persistence, load
from identra.state.redis import CONNECTIONS as MOST_TO_REDIS
from identra.tokens import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Build
    from jwcrypto.jwk import JWK
    from scraping import Scraped
    from town import Town

METRICS = {"port": 0}


@dataclass
class Watched:
    """A town, where its metrics are, and everything that may not stand in them."""

    town: Town
    url: str
    visitor: Visitor
    private: set[str] = field(default_factory=set)

    def refused(self, token: str) -> None:
        self.private.add(token)
        said = self.visitor.refusal("/me/login-info", {"access_token": token})
        assert said == (401, "INVALID_TOKEN")

    def know(self, *pairs: dict[str, Any]) -> None:
        for pair in pairs:
            _, claims = opened(pair["access_token"]["token"])
            self.private |= {pair[kind]["token"] for kind in ("access_token", "refresh_token")}
            self.private |= {claims["sub"], claims["sid"], claims["jti"]}


@contextmanager
def _watched(build_town: Build, home: str, **sections: Any) -> Iterator[Watched]:
    said = {"metrics": METRICS, "auth": {"refresh_grace": "0s"}} | sections
    with build_town(home, **said) as town:
        url = scraping.address_of(town.service)
        with client(town.service) as http:
            yield Watched(town, url, Visitor(http, town))


def _signer(file: Path) -> JWK:
    async def ask() -> JWK:
        hall = await build(load(file, {}))
        try:
            return hall.keys.signer().jwk
        finally:
            await hall.close()

    return asyncio.run(ask())


def _forged(genuine: str, ours: JWK) -> dict[str, list[str]]:
    """Tokens by the cause for which each is to be refused."""
    header, claims = opened(genuine)
    hers = json.loads(new_pair("RS256").private)
    signed, _, signature = genuine.rpartition(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]

    def lying(**more: Any) -> str:
        return write(ours, header | more, claims, algorithm="RS256")

    def claiming(**more: Any) -> str:
        return write(ours, header, claims | more, algorithm="RS256")

    assert hers["kid"] != header["kid"]
    return {
        "too_long": ["x" * (LONGEST + 1), "ÿ.x.x"],
        "not_jws": ["x.y"],
        "malformed": ["x.y.z", f"{signed}.="],
        "header_names": [lying(jwk=hers), lying(crit=["exp"])],
        "header_value": [lying(kid=7)],
        "type": [lying(typ="JWT")],
        "unknown_kid": [lying(kid=uuid7())],
        "algorithm": [lying(alg="none"), lying(alg="HS256")],
        "signature": [f"{signed}.{flipped}"],
        "claim": [claiming(exp="later"), claiming(sub=""), claiming(jti=None)],
        "not_access": [claiming(typ="id")],
        "issuer": [claiming(iss="evil")],
        "audience": [claiming(aud="others")],
        "expired": [claiming(exp=claims["iat"] - 1)],
        "not_yet_valid": [claiming(nbf=claims["iat"] + 600)],
        "no_session": [claiming(sid=uuid7()), claiming(sub=uuid7())],
    }


def _refusals(scraped: Scraped) -> dict[str, float]:
    prefix = "identra_tokens_refused_total"
    found = {k[1].removeprefix("cause="): v for k, v in scraped.items()
             if k[0] == prefix and k[2] == "token=access"}  # fmt: skip
    return {cause: number for cause, number in found.items() if number}


def test_every_forged_token_counts_its_cause(build_town: Build) -> None:
    """In the metrics and in the log alike."""
    auth = {"token_audience": "services", "refresh_grace": "0s"}
    with _watched(build_town, "sqlite", auth=auth) as at:
        ada = at.visitor.register(at.visitor.address("ada"))
        bob = at.visitor.register(at.visitor.address("bob"))
        at.know(ada, bob)
        forged = _forged(ada["access_token"]["token"], _signer(at.town.file))
        for tokens in forged.values():
            for token in tokens:
                at.refused(token)
        at.visitor.revoke(ada)
        running.command(at.town.file, "users", "disable", at.visitor.address("bob"))
        for pair in (ada, bob):
            at.refused(pair["access_token"]["token"])
        expected = {cause: len(tokens) for cause, tokens in forged.items()} | {"session_over": 2}
        assert _refusals(scraping.scrape(at.url)) == expected
        lines = [json.loads(line) for line in at.town.service.log.read_text().splitlines()]
        told = [line["detail"] for line in lines if line.get("reason") == "INVALID_TOKEN"]
        assert Counter(cause_of("access", detail) for detail in told) == expected
        # Whoever is disabled has no session left, so nobody gets as far as being looked up.
        assert set(CAUSES["access"].values()) - set(expected) == {"user"}
        _demand_private(at)


def _demand_private(at: Watched) -> None:
    """Nothing is told of a person: no id, address, token, code, nor of where she came from."""
    text = httpx.get(at.url).text
    assert at.private
    assert [value for value in at.private if value in text] == []
    for word in ("@", "127.0.0.1", "example.com", PASSWORD, "eyJ", "idr_"):
        assert word not in text
    private = _signer(at.town.file).export_private(as_dict=True)["d"]
    assert private not in text


def _live(at: Watched) -> None:
    """Everything that is counted, each a number of times of its own."""
    her = at.visitor
    email = her.address("ada")
    first = her.register(email)
    pairs = [first, *(her.sign_in(email) for _ in range(3))]
    for _ in range(2):
        wrong = {"email": email, "password": "not that one"}
        assert her.refusal("/password/login", wrong) == (401, "INVALID_CREDENTIALS")
    code = her.address("bob")
    pairs.append(her.sign_in_by_code(code))
    assert her.refusal("/email/login", {"email": code, "code": "000000"})[1] == "INVALID_CODE"
    trip = her.travel(Person(7, "cai", (Email(her.address("cai")),)))
    pairs.append(her.post("/oauth/login", trip.body())["token"])
    assert her.refusal("/oauth/login", trip.body())[1] == "INVALID_STATE"
    spent = pairs[1]
    pairs[1] = her.refresh(spent)
    assert her.refusal("/token/refresh", token_of(spent)) == (401, "INVALID_REFRESH_TOKEN")
    her.revoke(pairs[2])
    for _ in range(2):
        answer = her.http.post("/logout", json={}, headers=bearer(pairs[3]))
        assert answer.status_code in {200, 401}
    at.know(spent, *pairs)
    at.private |= {email, code, her.address("cai")}


EXPECTED: Scraped = {
    ("identra_logins_total", "method=otp", "outcome=succeeded", "provider=password"): 1,
    ("identra_logins_total", "method=pwd", "outcome=succeeded", "provider=password"): 3,
    ("identra_logins_total", "method=pwd", "outcome=INVALID_CREDENTIALS", "provider=password"): 2,
    ("identra_logins_total", "method=otp", "outcome=succeeded", "provider=email"): 1,
    ("identra_logins_total", "method=otp", "outcome=INVALID_CODE", "provider=email"): 1,
    ("identra_logins_total", "method=oauth", "outcome=succeeded", "provider=github"): 1,
    ("identra_logins_total", "method=oauth", "outcome=INVALID_STATE", "provider=-"): 1,
    ("identra_sessions_revoked_total", "reason=theft"): 1,
    ("identra_sessions_revoked_total", "reason=asked"): 2,
    ("identra_events_total", "event=session.theft"): 1,
    ("identra_events_total", "event=login.succeeded"): 6,
    ("identra_tokens_refused_total", "cause=theft", "token=refresh"): 1,
    ("identra_tokens_refused_total", "cause=session_over", "token=access"): 1,
    ("identra_mail_total", "outcome=queued"): 2,
    ("identra_mail_total", "outcome=delivered"): 2,
    ("identra_mail_total", "outcome=failed"): 0,
    ("identra_provider_calls_total", "outcome=answered", "provider=github"): 3,
    ("identra_provider_call_seconds_count", "provider=github"): 3,
    ("identra_request_seconds_count", "route=/password/login"): 5,
}


def _demand(found: Scraped) -> None:
    assert {series: found.get(series) for series in EXPECTED} == EXPECTED
    requests = {k[1:]: v for k, v in found.items() if k[0] == "identra_requests_total"}
    routes = {k[2]: 0.0 for k in requests}
    for labels, number in requests.items():
        routes[labels[2]] += number
    seconds = {k[1]: v for k, v in found.items() if k[0] == "identra_request_seconds_count"}
    assert seconds == routes
    wrong = ("method=POST", "reason=INVALID_CREDENTIALS", "route=/password/login", "status=401")
    assert requests[wrong] == 2


def test_counts_are_exact_over_workers_and_stay_when_these_are_killed(
    build_town: Build, metered: str
) -> None:
    with _watched(build_town, metered) as at:
        _live(at)
        before = scraping.wait_until(
            at.url, lambda told: told["identra_mail_total", "outcome=delivered"] == 2
        )
        _demand(before)
        for ends, victim in enumerate(at.town.service.workers(), start=1):
            _kill(at, victim, ends)
        after = scraping.scrape(at.url)
        assert scraping.counted(after) == scraping.counted(before)
        assert after["identra_worker_ends_total", "by=signal 9"] == WORKERS
        _demand_gauges(after, metered)
        _demand_private(at)
        with client(at.town.service) as http:
            for _ in range(4):
                assert http.get("/healthz").status_code == 200
        place = ("identra_requests_total", "method=GET", "reason=", "route=/healthz", "status=200")
        assert scraping.scrape(at.url)[place] == before.get(place, 0) + 4


def _kill(at: Watched, victim: int, ends: int) -> None:
    """Kill a worker, the `ends`-th, and wait until another one does its work."""
    os.kill(victim, signal.SIGKILL)
    scraping.wait_until(
        at.url,
        lambda told: (
            told.get(("identra_worker_ends_total", "by=signal 9")) == ends
            and told["identra_workers",] == WORKERS
            and sum(v for k, v in told.items() if k[0] == "identra_ready") == WORKERS
        ),
    )


def _demand_gauges(found: Scraped, home: str) -> None:
    assert found["identra_workers_wanted",] == WORKERS
    assert found["identra_hash_queue",] == 0
    assert found["identra_hash_room",] > 0
    assert found["identra_mail_queue",] == 0
    for worker in ("worker=1", "worker=2"):
        most = found["identra_database_connections", "state=most", worker]
        assert most >= found["identra_database_connections", "state=open", worker] > 0
    assert found.get(("identra_redis_up",)) == (1 if "redis" in home else None)
    used = found.get(("identra_redis_connections", "state=used", "worker=1"))
    assert (used is None) == ("redis" not in home)
    assert found["identra_keys", "algorithm=RS256", "state=active"] == 1
    assert 0 <= found["identra_key_age_seconds", "algorithm=RS256", "state=active"] < 600
    ahead = 89 * 86400
    assert ahead - 600 < found["identra_key_next_step_seconds", "step=publish"] <= ahead
    assert 0 <= found["identra_key_ring_read_seconds",] < 10


def test_redis_that_is_away_shows(tmp_path: Path) -> None:
    with servers.redis() as store:
        said = {"": {"http_port": 0}, "metrics": METRICS}
        place = Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))
        file = write_settings(tmp_path, place, store, said)
        with ExitStack() as opened:
            url = scraping.address_of(opened.enter_context(running.started(file)))
            told = scraping.scrape(url)
            assert told["identra_redis_up",] == 1
            assert told["identra_redis_connections", "state=most", "worker=1"] == MOST_TO_REDIS
            away = opened.pop_all()
    with away:
        scraping.wait_until(url, lambda told: told["identra_redis_up",] == 0)
        assert scraping.scrape(url)["identra_ready", "worker=1"] == 1


def test_a_port_that_is_taken_stops_the_start_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = running.write_settings(tmp_path, f"[metrics]\nport = {port}\n")
        with pytest.raises(AssertionError) as failed:
            running.command(file, "serve")
    assert str(failed.value).splitlines()[0] == (
        f"identra: {file}: metrics.port: can't listen on 127.0.0.1 port {port}:"
        " Address already in use"
    )
    assert not (tmp_path / "identra.db").exists()


def test_the_silent_hold_up_neither_metrics_nor_the_replacing_of_workers(tmp_path: Path) -> None:
    with running.identra(tmp_path, extra="[metrics]\nport = 0\n") as service:
        url = scraping.address_of(service)
        place = httpx.URL(url).host, httpx.URL(url).port or 0
        silent = [socket.create_connection(place) for _ in range(100)]
        for one in silent:
            one.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        began = time.monotonic()
        (worker,) = service.workers()
        os.kill(worker, signal.SIGKILL)
        scraping.wait_until(
            url,
            lambda told: (
                told.get(("identra_worker_ends_total", "by=signal 9")) == 1
                and told.get(("identra_ready", "worker=1")) == 1
            ),
        )
        assert time.monotonic() - began < 10
        assert service.workers() != [worker]
        for one in silent:
            one.close()
        assert service.stop() == 0


def test_without_the_section_nothing_is_imported_for_it(tmp_path: Path) -> None:
    file = running.write_settings(tmp_path)
    asked = (
        "import asyncio, pathlib, sys\n"
        "from identra import app, serve, settings, workers\n"
        "loaded = settings.load(pathlib.Path(sys.argv[1]), {})\n"
        "asyncio.run(app.prepare(loaded))\n"
        "async def act():\n"
        "    hall = await app.build(loaded)\n"
        "    await hall.close()\n"
        "asyncio.run(act())\n"
        "serve._import_before_forking()\n"
        "print(sorted(m for m in sys.modules if 'prometheus' in m or 'identra.metrics' in m))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked, str(file)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
