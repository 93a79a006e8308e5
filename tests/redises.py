"""Redis of a test's own: a server, a group that Sentinel watches, a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from machines import Machine, directory, free_port, listens, missing, own, until
from pydantic import SecretStr
from redis import Redis as Client
from redis.exceptions import RedisError

from identra.settings import Redis

if TYPE_CHECKING:
    from collections.abc import Iterator

SILENT_FOR = 1000
"""Milliseconds after which those who watch hold a silent server for dead."""


@contextmanager
def redis(*options: str, certificate: Path | None = None) -> Iterator[Redis]:
    """A Redis server; with a certificate (and its key) it speaks TLS and nothing else."""
    if (url := os.environ.get("IDENTRA_TEST_REDIS_URL")) and not options and not certificate:
        parts = urlsplit(url)
        secret = SecretStr(unquote(parts.password)) if parts.password else None
        yield Redis(urls=(f"{parts.hostname}:{parts.port or 6379}",), password=secret)
        return
    with redis_machine(*options, certificate=certificate) as (place, machine), machine.up():
        yield place


@contextmanager
def redis_machine(
    *options: str, certificate: Path | None = None
) -> Iterator[tuple[Redis, Machine]]:
    """A Redis server of the test's own that does not run yet; it starts empty each time."""
    with directory() as (home, account):
        port = free_port()
        file = own(certificate, home, account) if certificate else None
        command = [_program(), *_doors(port, file), "--dir", home]
        command += ["--save", "", "--appendonly", "no", *options]
        yield (
            Redis(urls=(f"127.0.0.1:{port}",)),
            Machine("Redis", command, account, lambda: listens(port)),
        )


@contextmanager
def redis_sentinel(
    master: str, password: str = "", *, certificate: Path | None = None
) -> Iterator[Redis]:
    """A Sentinel watching the Redis on loopback port `master`, under the name `ours`.

    With a certificate it speaks TLS, also with those it watches.
    """
    with directory() as (home, account):
        file, port = Path(home, "sentinel.conf"), free_port()
        said = [f"sentinel monitor ours 127.0.0.1 {master} 1"]
        said += [f"sentinel auth-pass ours {password}"] if password else []
        said += [f"sentinel down-after-milliseconds ours {SILENT_FOR}"]
        said += ["sentinel failover-timeout ours 5000"]
        file.write_text("".join(f"{line}\n" for line in said))
        file.chmod(0o666)
        secure = own(certificate, home, account) if certificate else None
        command = [_program(), str(file), "--sentinel", *_doors(port, secure), "--dir", home]
        machine = Machine("Sentinel", command, account, lambda: listens(port))
        with machine.up():
            yield Redis(urls=(f"127.0.0.1:{port}",))


@dataclass(frozen=True)
class Group:
    """A Redis with a replica, and the Sentinel that will promote it."""

    place: Redis
    master: Machine
    replica: Machine
    replica_port: int

    def promoted(self) -> bool:
        """Whether the replica is the master by now, and the Sentinel says so."""
        host, port = self.place.urls[0].split(":")
        with Client(host=host, port=int(port), decode_responses=True) as sentinel:
            master = sentinel.sentinel_get_master_addr_by_name("ours")
        with Client(port=self.replica_port) as replica:
            return master == ("127.0.0.1", self.replica_port) and replica.role()[0] == b"master"

    def replicates(self) -> bool:
        """Whether the replica has all and the Sentinel knows of it."""
        host, port = self.place.urls[0].split(":")
        with Client(port=self.replica_port) as replica:
            linked = replica.info("replication").get("master_link_status") == "up"
        with Client(host=host, port=int(port), decode_responses=True) as sentinel:
            return linked and len(sentinel.sentinel_slaves("ours")) == 1


@contextmanager
def redis_group() -> Iterator[Group]:
    """A master, its replica and a Sentinel, all up."""
    with ExitStack() as opened:
        place, master = opened.enter_context(redis_machine())
        port = place.urls[0].split(":")[1]
        follow = ("--replicaof", f"127.0.0.1 {port}", "--repl-diskless-sync-delay", "0")
        second, replica = opened.enter_context(redis_machine(*follow))
        for machine in (master, replica):
            opened.enter_context(machine.up())
        watcher = opened.enter_context(redis_sentinel(port))
        watched = watcher.model_copy(update={"sentinel_master": "ours"})
        group = Group(watched, master, replica, int(second.urls[0].split(":")[1]))
        until(group.replicates, "the replica")
        yield group


@dataclass(frozen=True)
class Cluster:
    """Three masters, or three and a replica of each."""

    place: Redis
    machines: tuple[Machine, ...]

    def whole(self) -> bool:
        """Whether each node that runs finds every slot served."""
        return all(self._says_ok(url) for url in self.place.urls)

    def serves_without(self, machine: Machine) -> bool:
        """Whether the others find every slot served, and none by this one."""
        gone = self.place.urls[self.machines.index(machine)]
        return all(
            self._says_ok(url) and not _nodes(url)[gone]["slots"]
            for url in self.place.urls
            if url != gone
        )

    def _says_ok(self, url: str) -> bool:
        try:
            with Client(port=int(url.split(":")[1]), socket_timeout=1) as node:
                info = node.execute_command("CLUSTER", "INFO", NEVER_DECODE=True)
        except (RedisError, OSError):
            return False
        return b"cluster_state:ok" in info


def _nodes(url: str) -> Any:
    """What a node of a cluster knows of each, by address."""
    with Client(port=int(url.split(":")[1]), decode_responses=True) as node:
        return node.cluster("NODES")


@contextmanager
def redis_cluster(*, replicas: int = 0) -> Iterator[Cluster]:
    """Real processes on loopback, joined by `redis-cli --cluster create`."""
    client = shutil.which("redis-cli")
    if not client:
        missing("redis-cli")
    with ExitStack() as opened:
        nodes = [opened.enter_context(_node()) for _ in range(3 * (1 + replicas))]
        urls = tuple(place.urls[0] for place, _ in nodes)
        cluster = Cluster(Redis(urls=urls), tuple(machine for _, machine in nodes))
        join = [client, "--cluster", "create", *urls, "--cluster-replicas", str(replicas)]
        subprocess.run([*join, "--cluster-yes"], check=True, stdout=subprocess.DEVNULL)
        until(cluster.whole, "the cluster")
        yield cluster


@contextmanager
def _node() -> Iterator[tuple[Redis, Machine]]:
    bus = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    wait = ("--cluster-node-timeout", str(SILENT_FOR), "--repl-diskless-sync-delay", "0")
    with redis_machine(*bus, *wait) as (place, machine), machine.up():
        yield place, machine


def _doors(port: int, certificate: Path | None) -> list[str]:
    """Where it listens, and how."""
    here = ["--bind", "127.0.0.1"]
    if certificate is None:
        return [*here, "--port", str(port)]
    file = str(certificate)
    doors = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
    doors += ["--tls-cert-file", file, "--tls-key-file", file, "--tls-ca-cert-file", file]
    return [*here, *doors, "--tls-replication", "yes"]


def _program() -> str:
    program = shutil.which("redis-server")
    if not program:
        missing("Redis")
    return program
