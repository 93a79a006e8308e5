"""Keys change under two nodes that issue and three services that verify; no token ever fails."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest
import running
import verifiers
from homes import write_settings
from standin.sites import open_site
from town import settle

from identra.keys.nouns import MARGIN
from identra.master import make_file
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from homes import Sections
    from verifiers import Verify

    from identra.settings import Persistence

AGE = 1
"""Seconds for which the key set may be kept."""

LIFE = 30
"""Seconds that an access token lives: a key is kept so long, and five minutes, after its last."""

PATIENCE = 60
ADA = {"email": "ada@example.com", "password": "correct horse battery staple"}
QUICK = {"rotate_every": "9s", "publish_ahead": "8s", "jwks_max_age": f"{AGE}s"}
Shared = pytest.mark.parametrize("persistence", ["postgres"], indirect=True)


class Node:
    """One node: its settings, and the service that runs by them now."""

    def __init__(self, folder: Path, place: Persistence, keys: dict[str, Any]) -> None:
        folder.mkdir()
        self._folder = folder
        self._place = place
        self._keys = keys
        self._standing = ExitStack()
        self.url = ""

    def file(self) -> Path:
        sections: Sections = {
            "": {"http_port": 0},
            "auth": {"access_token_expiration": f"{LIFE}s"},
            "keys": self._keys,
            "password": {"registration": "immediate"},
        }
        return write_settings(self._folder, self._place, sections=sections)

    def restart(self, **keys: Any) -> None:
        """Start it with these settings of its keys changed."""
        self._keys = self._keys | keys
        self.stop()
        self.url = self._standing.enter_context(running.started(self.file(), "--workers", "2")).url

    def stop(self) -> None:
        self._standing.close()

    def command(self, *words: str) -> str:
        return running.command(self.file(), *words)


class Balancer:
    """Sends each request to another node of those that are in; an operator takes them out."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self._turn = 0
        self._lock = threading.Lock()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self._lock:
            self._turn += 1
            node = self._nodes[self._turn % len(self._nodes)]
            return httpx.request(method, f"{node.url}{path}", timeout=PATIENCE, **options)

    @contextmanager
    def without(self, node: Node) -> Iterator[None]:
        with self._lock:
            self._nodes.remove(node)
        yield
        with self._lock:
            self._nodes.append(node)

    def fault(self, _request: httpx.Request) -> None:
        return None

    def answer(self, request: httpx.Request) -> httpx.Response:
        """A verifier asks for the key set."""
        answer = self.call("GET", request.url.path)
        return httpx.Response(answer.status_code, json=answer.json())


@dataclass
class Traffic:
    """Somebody who refreshes without end; every service verifies what she got, new and old."""

    balancer: Balancer
    verify: dict[str, Verify]
    verified: int = 0
    seen: set[tuple[str, str]] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        thread = threading.Thread(target=self._flow)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def until(self, happened: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Let it flow until something has come about."""
        end = time.monotonic() + patience
        while not happened():
            assert self.failures == []
            assert time.monotonic() < end, f"{what}: not within {patience} s"
            time.sleep(0.1)

    def _flow(self) -> None:
        answer = self.balancer.call("POST", "/password/login", json=ADA)
        tokens: list[str] = []
        while not self._over.is_set() and not self.failures:
            if not answer.is_success:
                self.failures.append(answer.text)
                return
            pair = answer.json()["token"]
            tokens = [*tokens[-20:], pair["access_token"]["token"]]
            for token in {tokens[0], tokens[-1]}:
                self._check(token)
            body = {"refresh_token": pair["refresh_token"]["token"]}
            answer = self.balancer.call("POST", "/token/refresh", json=body)

    def _check(self, token: str) -> None:
        header = jwt.get_unverified_header(token)
        self.seen.add((header["alg"], header["kid"]))
        for name, verify in self.verify.items():
            if refused := verify(token):
                self.failures.append(f"{name}: {refused}")
        bearer = {"Authorization": f"Bearer {token}"}
        answer = self.balancer.call("POST", "/me/login-info", headers=bearer)
        if not answer.is_success:
            self.failures.append(f"identra: {answer.text}")
        self.verified += 1


@pytest.fixture
def nodes(tmp_path: Path, persistence: Persistence) -> Iterator[list[Node]]:
    master = tmp_path / "master.key"
    make_file(master)
    keys = QUICK | {"algorithm": "RS256", "master_key_files": [str(master)]}
    both = [Node(tmp_path / name, persistence, keys) for name in ("one", "two")]
    settle(both[0].file(), persistence)
    try:
        for node in both:
            node.restart()
        httpx.post(f"{both[0].url}/password/register", json=ADA).raise_for_status()
        yield both
    finally:
        for node in both:
            node.stop()


@pytest.fixture
def traffic(tmp_path: Path, nodes: list[Node]) -> Iterator[Traffic]:
    balancer = Balancer(list(nodes))
    folder = tmp_path / "node"
    folder.mkdir()
    with open_site(balancer) as site:
        jwks = f"{site.base_url}/.well-known/jwks.json"
        with verifiers.node_jose(folder, jwks, AGE) as node_jose:
            verify = {
                "PyJWT": verifiers.pyjwt(jwks, AGE),
                "python-jose": verifiers.python_jose(jwks, AGE),
                "jose": node_jose,
            }
            flow = Traffic(balancer, verify)
            with flow.flowing():
                yield flow


def roll(traffic: Traffic, nodes: list[Node], **keys: Any) -> None:
    """Restart one node after the other with other settings, behind the balancer."""
    for node in nodes:
        with traffic.balancer.without(node):
            node.restart(**keys)


@Shared
@pytest.mark.long
def test_rotations_another_algorithm_and_another_master_key_fail_no_token(
    tmp_path: Path, nodes: list[Node], traffic: Traffic
) -> None:
    traffic.until(lambda: len(traffic.seen) > 1, "a rotation")
    old, new = str(tmp_path / "master.key"), str(tmp_path / "new.key")
    nodes[0].command("keys", "new-master-key", new)
    roll(traffic, nodes, algorithm="ES256", rotate_every="1d", master_key_files=[old, new])
    roll(traffic, nodes, master_key_files=[new, old])
    assert nodes[1].command("keys", "reseal").startswith("resealed ")
    roll(traffic, nodes, master_key_files=[new])
    traffic.until(lambda: "ES256" in dict(traffic.seen), "another algorithm")
    known = len(traffic.seen)
    nodes[0].command("keys", "rotate", "--now", "--yes")
    traffic.until(lambda: len(traffic.seen) > known, "a rotation under the new master key")
    assert traffic.failures == []
    assert traffic.verified > 50


@Shared
@pytest.mark.long
def test_a_key_is_retired_under_the_eyes_of_those_who_verify(
    nodes: list[Node], traffic: Traffic
) -> None:
    """To its very end, which comes a token's life and five minutes later."""
    roll(traffic, nodes, rotate_every="90d")
    nodes[0].command("keys", "rotate", "--now", "--yes")
    long = MARGIN / SECOND + LIFE + PATIENCE
    traffic.until(lambda: "retired" in nodes[0].command("keys", "list"), "retiring", long)
    assert traffic.failures == []
