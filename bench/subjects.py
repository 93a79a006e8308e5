"""What is measured of a running service, and the floors that each subject stands on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import floors
from bench.callers import PASSWORD, Refreshing, RefreshingByRpc, Registering, Repeating, get, post
from bench.rounds import Contestant, Driven, Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from bench.callers import Caller
    from bench.people import Person
    from bench.served import Served
    from identra.settings import Persistence

CONNECTIONS = 8
CORES = os.cpu_count() or 1
HASHING = min(CONNECTIONS, 4 * CORES)
"""As many connections as one worker's hash queue has room for, so that none is told BUSY."""

ONE_SELECT = "Sanic, one select"
SIGNATURES = ("RS256 signature", "ES256 signature")

JWKS = "/.well-known/jwks.json"


@dataclass(frozen=True, slots=True)
class Scene:
    """A service and its bare twin, people with accounts, and the process that asks."""

    generator: Executor
    service: Served
    bare: Served
    constant: Served
    selecting: Served | None
    people: Sequence[Person]
    place: Persistence
    workers: int
    etag: str

    @property
    def callers(self) -> Sequence[Person]:
        """Those whose sessions the subjects use."""
        return self.people[:CONNECTIONS]

    @property
    def callers_by_rpc(self) -> Sequence[Person]:
        """Others, whose sessions the gRPC subjects use."""
        return self.people[2 * CONNECTIONS : 3 * CONNECTIONS]

    @property
    def bystanders(self) -> Sequence[Person]:
        """Two more, who go on while a storm blows."""
        return self.people[3 * CONNECTIONS : 3 * CONNECTIONS + 2]

    @property
    def rows(self) -> list[str]:
        """Sessions that a floor may write to, since nobody goes on with them."""
        return [person.session for person in self.people[CONNECTIONS : 2 * CONNECTIONS]]


def subjects(scene: Scene) -> Iterator[tuple[Contestant, tuple[Contestant, ...]]]:
    """Every subject with its floors."""
    sanic, hashes = _bare(scene), _hashes(scene)
    yield _asked(scene, "GET /healthz", get("/healthz")), (_constant(scene), sanic)
    yield _asked(scene, f"GET {JWKS}", get(JWKS)), (sanic,)
    unchanged = get(JWKS, If_None_Match=scene.etag)
    yield _asked(scene, f"GET {JWKS} (304)", unchanged, 304), (sanic,)
    select = _one_select(scene)
    info = _driven(scene, "POST /me/login-info", map(login_info, scene.callers))
    yield info, (sanic, *select)
    chains = [Refreshing(person.refresh_token, person.peer) for person in scene.callers]
    rest = _driven(scene, "POST /token/refresh", chains)
    yield rest, (sanic, *select, *_parts_of_refresh(scene))
    calls = [RefreshingByRpc(person.refresh_token) for person in scene.callers_by_rpc]
    by_rpc = Driven(scene.generator, scene.service, calls, rpc=True)
    yield Contestant("gRPC RefreshToken", by_rpc), (rest,)
    logins = map(login, scene.callers[:HASHING])
    yield _driven(scene, "POST /password/login", logins), (hashes,)
    newcomers = [Registering() for _ in range(HASHING)]
    yield _driven(scene, "POST /password/register", newcomers), (hashes,)


def login_info(person: Person) -> Repeating:
    """She asks who she is."""
    path, bearer = "/me/login-info", person.access_token
    return Repeating(post(path, {}, peer=person.peer, bearer=bearer))


def login(person: Person, expects: frozenset[int] = frozenset({200})) -> Repeating:
    """She signs in with her password."""
    body = {"email": person.email, "password": PASSWORD}
    return Repeating(post("/password/login", body, peer=person.peer), expects)


def _driven(scene: Scene, name: str, callers: Iterable[Caller]) -> Contestant:
    return Contestant(name, Driven(scene.generator, scene.service, list(callers)))


def _asked(scene: Scene, name: str, request: bytes, status: int = 200) -> Contestant:
    return _driven(scene, name, [Repeating(request, frozenset({status}))] * CONNECTIONS)


def _bare(scene: Scene) -> Contestant:
    callers = [Repeating(get("/"))] * CONNECTIONS
    return Contestant("bare Sanic", Driven(scene.generator, scene.bare, callers))


def _one_select(scene: Scene) -> tuple[Contestant, ...]:
    if scene.selecting is None:
        return ()
    callers = [Repeating(get("/"))] * CONNECTIONS
    return (Contestant(ONE_SELECT, Driven(scene.generator, scene.selecting, callers)),)


def _constant(scene: Scene) -> Contestant:
    callers = [Repeating(get("/"))] * CONNECTIONS
    return Contestant("constant bytes", Driven(scene.generator, scene.constant, callers))


def _hashes(scene: Scene) -> Contestant:
    return _counted(scene, "argon2id", floors.hash_argon2, CORES * scene.workers)


def _parts_of_refresh(scene: Scene) -> Iterator[Contestant]:
    statements = (floors.refresh_sql, scene.place, scene.rows, scene.workers)
    yield _counted(scene, "SQL of a refresh", *statements)
    for name, sign in zip(SIGNATURES, (floors.sign_rs256, floors.sign_es256), strict=True):
        yield _counted(scene, name, sign, scene.workers)


def _counted(scene: Scene, name: str, work: Callable[..., float], *arguments: object) -> Contestant:
    """Work without HTTP, in the generator's process."""
    return Contestant(
        name, lambda seconds: Slice(scene.generator.submit(work, seconds, *arguments).result())
    )
