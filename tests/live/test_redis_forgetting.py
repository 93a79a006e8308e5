"""A Redis that forgets what was consumed, as after a failover or from an old copy, opens nothing.

Each test keeps what Redis holds before an answer is given, and puts it back afterwards.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from redis import Redis as Client
from standin.github import Email, Person
from town import open_town
from visitor import PASSWORD, Visitor, bearer

from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from identra.settings import Redis

OTHER = "another horse, another battery"
NUMBERS = iter(range(2_000_000_000, 2_000_001_000))


@dataclass(frozen=True)
class Memory:
    """What Redis holds for the service, to be kept and put back as it was."""

    client: Client
    prefix: str

    def keys(self) -> set[bytes]:
        return set(self.client.keys(f"{self.prefix}*"))

    @contextmanager
    def undone(self, kind: str) -> Iterator[None]:
        """Have it forget what comes to pass meanwhile, which must consume a key of this kind."""
        kept = {key: (self.client.pttl(key), self.client.dump(key)) for key in self.keys()}
        yield
        consumed = {key.decode().removeprefix(self.prefix) for key in kept.keys() - self.keys()}
        assert any(key.startswith(f"{kind}:") for key in consumed), "nothing was consumed"
        self.wipe()
        for key, (ttl, value) in kept.items():
            self.client.restore(key, max(ttl, 1), value)

    def wipe(self) -> None:
        if keys := self.keys():
            self.client.delete(*keys)


@pytest.fixture(scope="module")
def memory(redis_server: Redis) -> Iterator[Memory]:
    host, port = redis_server.urls[0].split(":")
    password = redis_server.password.get_secret_value() if redis_server.password else None
    with Client(host=host, port=int(port), password=password) as client:
        yield Memory(client, "test:forgetting:")


@pytest.fixture(scope="module")
def visitor(
    memory: Memory, redis_server: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visitor]:
    folder = tmp_path_factory.mktemp("town")
    place = Persistence(driver="sqlite", name=str(folder / "identra.db"))
    store = redis_server.model_copy(update={"key_prefix": memory.prefix})
    with (
        open_town(folder, place, store) as town,
        httpx.Client(base_url=town.service.url) as http,
    ):
        yield Visitor(http, town)
        memory.wipe()


def opened(visitor: Visitor) -> dict[str, int]:
    """All that an answer could have opened."""
    tables = ("users", "emails", "identities", "credentials", "sessions")
    return {table: visitor.town.count(table) for table in tables}


@pytest.fixture
def opens_nothing(visitor: Visitor) -> Callable[..., None]:
    """Post something, and find it refused and nothing changed."""

    def post(path: str, body: dict[str, Any], reason: str, **options: Any) -> None:
        before = opened(visitor)
        assert visitor.refusal(path, body, **options)[1] == reason
        assert opened(visitor) == before

    return post


def test_a_mailed_code(visitor: Visitor, memory: Memory, opens_nothing: Any) -> None:
    email = visitor.address("ada")
    body = {"email": email, "code": visitor.ask_code(email)}
    with memory.undone("code"):
        visitor.post("/email/login", body)
    opens_nothing("/email/login", body, "INVALID_CODE")


def test_a_registrations_code(visitor: Visitor, memory: Memory, opens_nothing: Any) -> None:
    """Nor does it set the password that comes along."""
    email = visitor.address("bea")
    visitor.post("/password/register", {"email": email, "password": PASSWORD})
    body = {"email": email, "code": visitor.mailed_code(email), "password": PASSWORD}
    with memory.undone("code"):
        visitor.post("/password/register/confirm", body)
    again = body | {"password": OTHER}
    opens_nothing("/password/register/confirm", again, "INVALID_CODE")
    wrong = {"email": email, "password": OTHER}
    opens_nothing("/password/login", wrong, "INVALID_CREDENTIALS")
    visitor.sign_in(email)


def test_the_state_of_a_login(visitor: Visitor, memory: Memory, opens_nothing: Any) -> None:
    """Neither with the provider's code that was used, nor with a new one for the same state."""
    url, state = depart(visitor)
    person = somebody(visitor, "cai")
    first = returning(visitor, person, url)
    with memory.undone("oauth"):
        visitor.post("/oauth/login", first)
    second = returning(visitor, somebody(visitor, "dan"), url)
    assert first["state"] == second["state"] == state
    with memory.undone("oauth"):
        opens_nothing("/oauth/login", first, "PROVIDER_REFUSED")
    opens_nothing("/oauth/login", second, "INVALID_STATE")


def test_the_state_of_a_binding(visitor: Visitor, memory: Memory, opens_nothing: Any) -> None:
    pair = visitor.sign_in_by_code(visitor.address("eve"))
    url, _ = depart(visitor, headers=bearer(pair))
    with memory.undone("oauth"):
        body = returning(visitor, somebody(visitor, "eve-at-github"), url)
        visitor.post("/oauth/bind", body, headers=bearer(pair))
    another = returning(visitor, somebody(visitor, "fay"), url)
    opens_nothing("/oauth/bind", another, "INVALID_STATE", headers=bearer(pair))


def test_sessions_are_not_its_business(visitor: Visitor, memory: Memory) -> None:
    """Once it is empty who was revoked stays so, who was not goes on; a code is asked anew."""
    email = visitor.address("gil")
    revoked, live = visitor.sign_in_by_code(email), visitor.register(visitor.address("hal"))
    visitor.revoke(revoked)
    lost = visitor.address("ida")
    body = {"email": lost, "code": visitor.ask_code(lost)}
    memory.wipe()
    assert visitor.refusal("/me/login-info", {}, headers=bearer(revoked))[1] == "INVALID_TOKEN"
    visitor.info(visitor.refresh(live))
    assert visitor.refusal("/email/login", body) == (401, "INVALID_CODE")
    visitor.post("/email/code", {"email": lost})
    visitor.post("/email/login", body | {"code": visitor.mailed_code(lost, count=2)})


def depart(visitor: Visitor, **options: Any) -> tuple[str, str]:
    prompt = visitor.http.get("/oauth/url", params={"provider": "github"}, **options).json()
    return prompt["url"], prompt["state"]


def somebody(visitor: Visitor, name: str) -> Person:
    return Person(next(NUMBERS), name, (Email(visitor.address(name)),))


def returning(visitor: Visitor, person: Person, url: str) -> dict[str, str]:
    """What the provider sends back once this person has agreed."""
    visitor.town.github.welcome(person)
    back = visitor.town.github.approve(url)
    return {"code": back["code"], "state": back["state"]}
