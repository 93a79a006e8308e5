"""A crowd that uses the service while something befalls its stores, and remembers what it was told.

Each answer must be right, or a clean UNAVAILABLE, within five seconds: anything else ends the test.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import httpx
import jwt
import spoken
from visitor import PASSWORD, Pair, bearer, token_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from homes import Sections
    from town import Town

SEED = 20_261_126
MEMBERS = 8
LONGEST = 5.0
"""Seconds within which there must be an answer, whatever it is."""
PAUSE = 0.02
PATIENCE = 0.1
"""Seconds between two requests of one member; and after it was told to come again."""
MOST_USERS = 5
"""How many each member registers with a password: checking one costs a hash."""
UNAVAILABLE = {"STORE_UNAVAILABLE", "BUSY"}
HARD_TO_PLEASE: Sections = {
    "password": {"registration": "immediate"},
    "auth": {"refresh_grace": "0s"},
    "http": {"trusted_proxies": ["127.0.0.1/32"]},
    "keys": {"algorithm": "ES256"},
}
"""Without grace a refresh token is either current, or spent by the very key that is shown again;
and each member calls from a network of her own."""


@dataclass
class Session:
    """What one member was told of one session. `revoked` is None where no answer told."""

    email: str
    pair: Pair
    revoked: bool | None = False
    key: str | None = None
    """Of a refresh that was asked for and not answered yet."""


@dataclass
class Ledger:
    """What one member was told: kept the moment the answer is read, and not before."""

    users: dict[str, str] = field(default_factory=dict)
    coded: dict[str, str] = field(default_factory=dict)
    """Those who came by a mailed code, and have no password."""
    unsure: set[str] = field(default_factory=set)
    """Addresses whose registration was not answered."""
    sessions: list[Session] = field(default_factory=list)

    def some(self, chance: random.Random, *, revoked: bool | None = False) -> Session | None:
        found = [session for session in self.sessions if session.revoked is revoked]
        return chance.choice(found) if found else None


@dataclass(frozen=True)
class Told:
    """One answer: what was asked, the status, when it came and after how long."""

    asked: str
    status: int
    at: float
    seconds: float


@dataclass
class Member:
    """One of the crowd. `forgetful`: the store of her codes may lose them."""

    number: int
    town: Town
    http: httpx.Client
    forgetful: bool
    chance: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    told: list[Told] = field(default_factory=list)
    asked: int = 0

    def live(self, over: threading.Event) -> None:
        """Do this and that until it is over."""
        kinds = (self.register, self.sign_in, self.sign_in_by_code)
        kinds += (self.refresh, self.revoke, self.ask_who_she_is)
        while not over.is_set():
            self.chance.choices(kinds, (2, 2, 2, 6, 2, 4))[0]()
            refused = self.told and self.told[-1].status == httpx.codes.SERVICE_UNAVAILABLE
            over.wait(PATIENCE if refused else PAUSE)

    def address(self) -> str:
        self.asked += 1
        return f"member{self.number}-{self.asked}@example.com"

    def register(self) -> None:
        if len(self.ledger.users) + len(self.ledger.unsure) >= MOST_USERS:
            self.sign_in()
            return
        email = self.address()
        answer = self.post("/password/register", {"email": email, "password": PASSWORD})
        if answer is None:
            self.ledger.unsure.add(email)
        else:
            self.ledger.users[email] = self.opened(email, answer)

    def sign_in(self) -> None:
        if not self.ledger.users:
            return
        email = self.chance.choice(list(self.ledger.users))
        answer = self.post("/password/login", {"email": email, "password": PASSWORD})
        if answer is not None:
            assert self.opened(email, answer) == self.ledger.users[email]

    def sign_in_by_code(self) -> None:
        """A code whose answer was lost may be spent; one that was forgotten is no longer right."""
        email = self.address()
        if self.post("/email/code", {"email": email}) is None:
            return
        found = re.search(r"\b[0-9]{6}\b", self.town.post.wait_for(email).text)
        assert found
        body = {"email": email, "code": found[0]}
        answer = self.post("/email/login", body, or_else=self.lost)
        if answer is None:
            self.ledger.unsure.add(email)
            answer = self.post("/email/login", body, or_else="INVALID_CODE")
        if answer is not None and answer.status_code == httpx.codes.OK:
            self.ledger.coded[email] = self.opened(email, answer)
            self.ledger.unsure.discard(email)

    @property
    def lost(self) -> str | None:
        return "INVALID_CODE" if self.forgetful else None

    def refresh(self) -> None:
        session = self.ledger.some(self.chance)
        if session is None:
            return
        session.key = session.key or UUID(int=self.chance.getrandbits(128)).hex
        headers = {"Idempotency-Key": session.key}
        answer = self.post("/token/refresh", token_of(session.pair), headers=headers)
        if answer is not None:
            former, session.pair, session.key = session.pair, answer.json()["token"], None
            assert session.pair["refresh_token"] != former["refresh_token"]

    def revoke(self) -> None:
        """A session whose revocation was not answered is given up again."""
        session = self.ledger.some(self.chance, revoked=None) or self.ledger.some(self.chance)
        if session is not None:
            session.revoked = None
            if self.post("/token/revoke", token_of(session.pair)) is not None:
                session.revoked = True

    def ask_who_she_is(self) -> None:
        ended = self.chance.random() < 1 / 4
        session = self.ledger.some(self.chance, revoked=ended)
        if session is None:
            return
        refusal = "INVALID_TOKEN" if ended else None
        headers = bearer(session.pair)
        answer = self.post("/me/login-info", {}, headers=headers, or_else=refusal)
        if answer is None:
            return
        assert answer.is_success != ended, answer.text
        if not ended:
            assert answer.json()["user_id"] == subject(session.pair)
            assert answer.json()["email"] == session.email

    def opened(self, email: str, answer: httpx.Response) -> str:
        pair: Pair = answer.json()["token"]
        self.ledger.sessions.append(Session(email, pair))
        return subject(pair)

    def post(
        self, path: str, body: dict[str, Any], *, or_else: str | None = None, **options: Any
    ) -> httpx.Response | None:
        """The answer, None if the service said UNAVAILABLE; `or_else` may be right as well."""
        began = time.monotonic()
        headers = {"X-Forwarded-For": f"203.0.113.{self.number}", **options.pop("headers", {})}
        answer = self.http.post(path, json=body, headers=headers, **options)
        now = time.monotonic()
        self.told.append(Told(path, answer.status_code, now, now - began))
        assert now - began < LONGEST, f"{path} was answered after {now - began:.1f} s"
        if answer.is_success:
            return answer
        reason = answer.json()["reason"]
        if reason in UNAVAILABLE:
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert int(answer.headers["Retry-After"]) > 0
            return None
        assert reason == or_else, f"{path} {body}: {answer.text}"
        return answer


@dataclass
class Crowd:
    """All of them, each on a thread of her own."""

    members: list[Member]
    working: list[Future[None]]

    def _told(self, since: float = 0) -> list[Told]:
        told = [one for member in self.members for one in list(member.told)]
        return [one for one in told if one.at - one.seconds >= since]

    def served(self, since: float = 0) -> Counter[str]:
        """How many requests of each kind were begun since then and succeeded."""
        return Counter(told.asked for told in self._told(since) if told.status < 300)

    def refused(self, since: float = 0) -> Counter[str]:
        """How many of each kind were answered UNAVAILABLE."""
        return Counter(told.asked for told in self._told(since) if told.status == 503)

    def slowest(self) -> float:
        return max(told.seconds for told in self._told())

    def goes_on(self) -> bool:
        """Raise what went wrong for any of them."""
        for one in self.working:
            if one.done():
                one.result()
        return True


@contextmanager
def gather(town: Town, size: int = MEMBERS, *, forgetful: bool = False) -> Iterator[Crowd]:
    """A crowd at work for a while."""
    chance, over = random.Random(SEED), threading.Event()  # noqa: S311 - the same each time
    limits = httpx.Limits(
        max_connections=size, max_keepalive_connections=0
    )  # so that both workers answer each
    with (
        spoken.client(town.service.url, limits=limits, timeout=LONGEST + 1) as http,
        ThreadPoolExecutor(size) as threads,
    ):
        members = [
            Member(number, town, http, forgetful, random.Random(chance.random()))  # noqa: S311
            for number in range(1, size + 1)
        ]
        crowd = Crowd(members, [threads.submit(member.live, over) for member in members])
        try:
            yield crowd
        finally:
            over.set()
        for one in crowd.working:
            one.result()


def subject(pair: Pair) -> str:
    claims = jwt.decode(pair["access_token"]["token"], options={"verify_signature": False})
    return str(claims["sub"])
