"""SIGKILL in the middle of two hundred mixed requests loses nothing that was acknowledged."""

from __future__ import annotations

import os
import random
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import jwt
import running
import servers
import spoken
from town import WORKERS
from visitor import PASSWORD, Pair, bearer, token_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest
    from conftest import Build
    from town import Town

SEED = 20_260_801
REQUESTS = 200
CLIENTS = 8
KILLS = 3
TRIES = 20
BACK = 5.0
"""Seconds after which a service without workers has one again."""
NO_GRACE = {"refresh_grace": "0s"}
"""So that a refresh token is either current, or spent by the very key that is shown again."""


@dataclass
class Session:
    """What one client was told of one session."""

    email: str
    pair: Pair
    revoked: bool = False


@dataclass
class Ledger:
    """What one client was told: kept here the moment the answer is read, and not before."""

    users: dict[str, str] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)

    @property
    def live(self) -> list[Session]:
        return [session for session in self.sessions if not session.revoked]


class Killer:
    """Kills at seeded moments, counted in answers; nobody asks while a town is down."""

    def __init__(self, town: Town, chance: random.Random, kill: Callable[[], None]) -> None:
        self._town, self._kill = town, kill
        self._at = set(chance.sample(range(REQUESTS // 10, REQUESTS * 9 // 10), KILLS))
        self._answers = 0
        self._lock = threading.Lock()

    def url(self) -> str:
        with self._lock:
            return self._town.service.url

    def saw_answer(self) -> None:
        with self._lock:
            self._answers += 1
            if self._answers in self._at:
                self._kill()


@dataclass
class Client:
    """Asks again until it is answered, as a client with a deadline of its own would."""

    name: str
    chance: random.Random
    killer: Killer
    http: httpx.Client
    ledger: Ledger = field(default_factory=Ledger)
    unanswered: int = 0
    unsure: int = 0

    def work(self, requests: int) -> None:
        """So many requests of every kind; sessions are refreshed more often than opened."""
        kinds = [self.register, self.sign_in, self.refresh, self.revoke]
        self.register()
        for _ in range(requests - 1):
            self.chance.choices(kinds, (3, 3, 6, 2))[0]()

    def register(self) -> None:
        """An address taken after a lost answer is this client's own: the lost one took it."""
        email = f"{self.name}-{len(self.ledger.users)}@example.com"
        before = self.unsure
        body = {"email": email, "password": PASSWORD}
        answer = self.post("/password/register", body)
        if answer.status_code == 409:
            assert self.unsure > before, "taken by nobody"
            answer = self.post("/password/login", body)
        self.opened(email, answer)
        self.ledger.users[email] = subject(self.ledger.sessions[-1].pair)

    def sign_in(self) -> None:
        email = self.chance.choice(list(self.ledger.users))
        self.opened(email, self.post("/password/login", {"email": email, "password": PASSWORD}))

    def refresh(self) -> None:
        if not self.ledger.live:
            self.sign_in()
            return
        session = self.chance.choice(self.ledger.live)
        key = {"Idempotency-Key": UUID(int=self.chance.getrandbits(128)).hex}
        answer = self.post("/token/refresh", token_of(session.pair), headers=key)
        assert answer.status_code == 200, answer.text
        former, session.pair = session.pair, answer.json()["token"]
        assert session.pair["refresh_token"] != former["refresh_token"]

    def revoke(self) -> None:
        if not self.ledger.live:
            self.sign_in()
            return
        session = self.chance.choice(self.ledger.live)
        answer = self.post("/token/revoke", token_of(session.pair))
        assert answer.status_code == 200, answer.text
        session.revoked = True

    def opened(self, email: str, answer: httpx.Response) -> None:
        assert answer.status_code == 200, answer.text
        self.ledger.sessions.append(Session(email, answer.json()["token"]))

    def post(self, path: str, body: dict[str, Any], **options: Any) -> httpx.Response:
        headers = {"X-Forwarded-For": f"203.0.113.{self.name[-1]}"} | options.pop("headers", {})
        for _ in range(TRIES):
            try:
                url = self.killer.url() + path
                answer = self.http.post(url, json=body, headers=headers, **options)
            except httpx.TransportError:
                self.unanswered += 1
            else:
                if answer.status_code != 503:
                    self.killer.saw_answer()
                    return answer
            self.unsure += 1
        raise AssertionError(f"{path} was not answered in {TRIES} tries")


def subject(pair: Pair) -> str:
    claims = jwt.decode(pair["access_token"]["token"], options={"verify_signature": False})
    return str(claims["sub"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Everything is crossed when told so. Workers on PostgreSQL are killed in `faults` too."""
    if "home" in metafunc.fixturenames:
        usual = [("sqlite", "group")]
        crossed = list(product(("sqlite", "postgres", "mysql"), ("worker", "group")))
        cases = crossed if metafunc.config.getoption("everywhere") else usual
        metafunc.parametrize(("home", "whom"), cases)


def test_nothing_acknowledged_is_lost(home: str, whom: str, build_town: Build) -> None:
    chance = seeded(f"{SEED} {home} {whom}")
    sections = {"password": {"registration": "immediate"}, "auth": NO_GRACE}
    with build_town(home, **sections) as town, spoken.client(town.service.url) as http:
        kill = {"worker": lambda: kill_worker(town, chance), "group": lambda: restart(town)}[whom]
        killer = Killer(town, chance, kill)
        clients = [
            Client(f"client{number}", seeded(chance.random()), killer, http)
            for number in range(CLIENTS)
        ]
        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(lambda one: one.work(REQUESTS // CLIENTS), clients))
        assert sum(one.unanswered for one in clients) > 0, "no kill hit a request"
        for one in clients:
            check_users(one.ledger, town.service.url, http)
            check_sessions(one.ledger, town.service.url, http)
        servers.until(lambda: len(town.service.workers()) == WORKERS, "the last worker")
        check_rows(town, sum(len(one.ledger.users) for one in clients))


def seeded(seed: str | float) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same run each time


def kill_worker(town: Town, chance: random.Random) -> None:
    workers = town.service.workers()
    if workers:
        os.kill(chance.choice(workers), signal.SIGKILL)


def restart(town: Town) -> None:
    town.kill()
    town.start()


def check_users(ledger: Ledger, url: str, http: httpx.Client) -> None:
    """Who was told she is registered signs in, as the user she was told she is."""
    for email, user in ledger.users.items():
        answer = http.post(f"{url}/password/login", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        assert subject(answer.json()["token"]) == user


def check_sessions(ledger: Ledger, url: str, http: httpx.Client) -> None:
    """The last refresh token that was answered is the current one; what was revoked stays so."""
    for session in ledger.sessions:
        answer = http.post(f"{url}/token/refresh", json=token_of(session.pair))
        told = http.post(f"{url}/me/login-info", json={}, headers=bearer(session.pair))
        if session.revoked:
            assert (answer.status_code, told.status_code) == (401, 401)
            continue
        assert (answer.status_code, told.status_code) == (200, 200), answer.text
        assert told.json()["user_id"] == ledger.users[session.email]
        assert told.json()["email"] == session.email


def check_rows(town: Town, registered: int) -> None:
    """No user twice, none in halves, and each fact on record as often as it happened."""
    for table in ("users", "emails", "credentials"):
        assert town.count(table) == registered, table
    whole = "id IN (SELECT c.user_id FROM identra_credentials c JOIN identra_emails e ON {})"
    assert town.count("users", whole.format("e.user_id = c.user_id")) == registered
    recorded = {
        "user.created": town.count("users"),
        "login.succeeded": town.count("sessions"),
        "session.revoked": town.count("sessions", "revoked_at IS NOT NULL"),
        "session.theft": 0,
    }
    for name, happened in recorded.items():
        assert town.count("events", "name = {}", name) == happened, name


def test_a_service_whose_workers_are_all_killed_is_back_at_once_each_time(tmp_path: Path) -> None:
    """However often: that they are young is no reason to leave callers without anybody."""
    with running.identra(tmp_path, "--workers", str(WORKERS)) as service:
        for _ in range(3):
            for pid in service.workers():
                os.kill(pid, signal.SIGKILL)
            servers.until(lambda: answers(service.url), "an answer", BACK)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=BACK).is_success
    except httpx.TransportError:
        return False
