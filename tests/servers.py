"""Real servers for the tests: given by IDENTRA_TEST_…_URL, else started from what is installed."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import asyncmy
import asyncpg
import pytest
from asyncmy.errors import MySQLError
from pydantic import SecretStr

from identra.settings import Persistence, Redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

PATIENCE = 30.0


def missing(what: str) -> NoReturn:
    """Skip by name; where everything is required, fail."""
    if os.environ.get("IDENTRA_TEST_REQUIRE") == "all":
        pytest.fail(f"{what} is required here and was not found")
    pytest.skip(f"{what} was not found")


@contextmanager
def postgres(*options: str, certificate: Path | None = None) -> Iterator[Persistence]:
    """A server in which databases can be made; one that is started here gets the options.

    With a certificate (and its key) it speaks TLS.
    """
    if (url := os.environ.get("IDENTRA_TEST_POSTGRES_URL")) and not certificate:
        yield _place(url)
        return
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    program = str(programs[-1]) if programs else shutil.which("postgres")
    if not program:
        missing("PostgreSQL")
    with _directory() as (home, account):
        data, port = f"{home}/data", free_port()
        initdb = [f"{Path(program).parent}/initdb", "-D", data, "-U", "identra", "-A", "trust"]
        subprocess.run(
            [*initdb, "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, **account,
        )  # fmt: skip
        quick = ["-c", "fsync=off", "-c", "max_connections=200", "-k", home]
        if certificate:
            file = _own(certificate, home, account)
            quick += ["-c", "ssl=on", "-c", f"ssl_cert_file={file}", "-c", f"ssl_key_file={file}"]
        command = [program, "-D", data, "-h", "127.0.0.1", "-p", str(port), *quick, *options]
        place = Persistence(
            driver="postgres", name="postgres", host="127.0.0.1", port=port, user="identra"
        )
        with running(command, **account):
            until(lambda: asyncio.run(_answers(place)), "PostgreSQL")
            yield place


@contextmanager
def mysql(*options: str, certificate: Path | None = None) -> Iterator[Persistence]:
    """A MariaDB server, or what the URL names, in which databases can be made."""
    if (url := os.environ.get("IDENTRA_TEST_MYSQL_URL")) and not options and not certificate:
        yield _place(url)
        return
    with mysql_at_rest(*options, certificate=certificate) as (place, up), up():
        yield place


@contextmanager
def mysql_at_rest(
    *options: str, certificate: Path | None = None
) -> Iterator[tuple[Persistence, Callable[[], AbstractContextManager[None]]]]:
    """An installed MariaDB server that does not run yet, and how to have it run for a while."""
    program = shutil.which("mariadbd", path=SYSTEM) or shutil.which("mysqld", path=SYSTEM)
    install = shutil.which("mariadb-install-db", path=SYSTEM)
    if not program or not install:
        missing("MariaDB")
    with _directory() as (home, account):
        plain = ["--no-defaults", f"--datadir={home}/data"]
        subprocess.run(
            [install, *plain, "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, stdout=subprocess.DEVNULL, **account,
        )  # fmt: skip
        place = Persistence(
            driver="mysql", name="mysql", host="127.0.0.1", port=free_port(), user="root"
        )
        command = [program, *plain, f"--socket={home}/socket", f"--port={place.port}"]
        command += ["--bind-address=127.0.0.1", *UNSAFE_MYSQL, *options]
        if certificate:
            file = _own(certificate, home, account)
            command += [f"--ssl-cert={file}", f"--ssl-key={file}"]

        @contextmanager
        def up() -> Iterator[None]:
            with running(command, **account):
                until(lambda: asyncio.run(_answers(place)), "MariaDB")
                yield

        yield place, up


UNSAFE_MYSQL = (
    "--sync-frm=0",
    "--innodb-flush-method=nosync",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-log-file-size=16M",
    "--max-connections=500",
)
SYSTEM = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


@contextmanager
def redis(*options: str) -> Iterator[Redis]:
    """A Redis server."""
    if (url := os.environ.get("IDENTRA_TEST_REDIS_URL")) and not options:
        parts = urlsplit(url)
        secret = SecretStr(unquote(parts.password)) if parts.password else None
        yield Redis(urls=(f"{parts.hostname}:{parts.port or 6379}",), password=secret)
        return
    program = shutil.which("redis-server")
    if not program:
        missing("Redis")
    with _directory() as (home, account):
        port = free_port()
        command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", home]
        with running([*command, "--save", "", "--appendonly", "no", *options], **account):
            until(lambda: _listens(port), "Redis")
            yield Redis(urls=(f"127.0.0.1:{port}",))


@contextmanager
def redis_sentinel(master: str, password: str) -> Iterator[Redis]:
    """A Sentinel watching the Redis on loopback port `master`, under the name `ours`."""
    program = shutil.which("redis-server")
    if not program:
        missing("Redis")
    with _directory() as (home, account):
        file, port = Path(home, "sentinel.conf"), free_port()
        file.write_text(
            f"sentinel monitor ours 127.0.0.1 {master} 1\nsentinel auth-pass ours {password}\n"
        )
        file.chmod(0o666)
        command = [program, str(file), "--sentinel", "--port", str(port), "--dir", home]
        with running(command, **account):
            until(lambda: _listens(port), "Sentinel")
            yield Redis(urls=(f"127.0.0.1:{port}",))


@contextmanager
def fresh_database(server: Persistence, template: str = "template0") -> Iterator[Persistence]:
    """A database of one test's own, dropped afterwards; MySQL has no templates."""
    name = f"identra_test_{uuid4().hex}"
    make, drop = {
        "postgres": ('CREATE DATABASE "{0}" TEMPLATE "{1}"', 'DROP DATABASE "{0}" WITH (FORCE)'),
        "mysql": ("CREATE DATABASE {0}", "DROP DATABASE {0}"),
    }[server.driver]
    asyncio.run(tell(server, make.format(name, template)))
    try:
        yield server.model_copy(update={"name": name})
    finally:
        asyncio.run(tell(server, drop.format(name)))


async def tell(server: Persistence, sql: str) -> Any:
    """Say something to a server as its administrator."""
    if server.driver == "mysql":
        return await _tell_mysql(server, sql)
    connection = await asyncpg.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password.get_secret_value() if server.password else None,
        database=server.name,
    )
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


async def end_all(server: Persistence) -> None:
    """End every connection that others have to this database."""
    if server.driver == "postgres":
        await tell(
            server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        return
    asking = "SELECT id FROM information_schema.processlist WHERE db = DATABASE()"
    for row in await tell(server, f"{asking} AND id <> CONNECTION_ID()"):
        await tell(server, f"KILL CONNECTION {row['id']}")


async def _tell_mysql(server: Persistence, sql: str) -> Any:
    async with asyncmy.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password.get_secret_value().encode() if server.password else b"",
        database=server.name,
        autocommit=True,
    ) as connection:
        cursor = connection.cursor(asyncmy.cursors.DictCursor)
        await cursor.execute(sql)
        return await cursor.fetchall()


@contextmanager
def running(command: list[str], **how: Any) -> Iterator[None]:
    """Run a program meanwhile."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **how)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(ready: Any, what: str) -> None:
    """Wait for a server, with a bound."""
    end = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > end:
            pytest.fail(f"{what} did not start")
        time.sleep(0.05)


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _answers(place: Persistence) -> bool:
    try:
        await tell(place, "SELECT 1")
    except (OSError, asyncpg.PostgresError, MySQLError):
        return False
    return True


@contextmanager
def _directory() -> Iterator[tuple[str, dict[str, Any]]]:
    """A directory and the account to run as: PostgreSQL refuses to run as root."""
    home = tempfile.mkdtemp(prefix="identra-")
    account: dict[str, Any] = {"cwd": home}
    if os.geteuid() == 0:
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = known.get("postgres") or known["nobody"]
        os.chown(home, entry.pw_uid, entry.pw_gid)
        account |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    try:
        yield home, account
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _own(file: Path, home: str, account: dict[str, Any]) -> Path:
    """A copy that the server's account may read, and nobody else."""
    copy = Path(shutil.copy(file, home))
    copy.chmod(0o600)
    if "user" in account:
        os.chown(copy, account["user"], account["group"])
    return copy


def _place(url: str) -> Persistence:
    parts = urlsplit(url)
    driver = "mysql" if parts.scheme == "mysql" else "postgres"
    name, port, user = {
        "mysql": ("mysql", 3306, "root"),
        "postgres": ("postgres", 5432, "postgres"),
    }[driver]
    return Persistence(
        driver=driver,
        name=parts.path.strip("/") or name,
        host=parts.hostname or "localhost",
        port=parts.port or port,
        user=unquote(parts.username or user),
        password=SecretStr(unquote(parts.password)) if parts.password else None,
    )
