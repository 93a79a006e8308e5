"""Real servers for the tests: given by IDENTRA_TEST_…_URL, else started from what is installed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import asyncmy
import asyncpg
from asyncmy.errors import MySQLError
from machines import Machine, directory, free_port, missing, own, until
from pydantic import SecretStr
from redises import redis, redis_sentinel

from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

__all__ = ["free_port", "missing", "redis", "redis_sentinel", "until"]


@contextmanager
def postgres(*options: str, certificate: Path | None = None) -> Iterator[Persistence]:
    """A server in which databases can be made; one that is started here gets the options.

    With a certificate (and its key) it speaks TLS.
    """
    if (url := os.environ.get("IDENTRA_TEST_POSTGRES_URL")) and not certificate:
        yield _place(url)
        return
    with postgres_machine(*options, certificate=certificate) as (place, machine), machine.up():
        yield place


@contextmanager
def postgres_machine(
    *options: str, certificate: Path | None = None, at: Path | None = None
) -> Iterator[tuple[Persistence, Machine]]:
    """An installed server of the test's own that does not run yet; its data may lie elsewhere."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    program = str(programs[-1]) if programs else shutil.which("postgres")
    if not program:
        missing("PostgreSQL")
    with directory(at) as (home, account):
        data, port = f"{home}/data", free_port()
        initdb = [f"{Path(program).parent}/initdb", "-D", data, "-U", "identra", "-A", "trust"]
        subprocess.run(
            [*initdb, "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, stdout=subprocess.DEVNULL, **account,
        )  # fmt: skip
        quick = ["-c", "fsync=off", "-c", "max_connections=200", "-k", home]
        if certificate:
            file = own(certificate, home, account)
            quick += ["-c", "ssl=on", "-c", f"ssl_cert_file={file}", "-c", f"ssl_key_file={file}"]
        command = [program, "-D", data, "-h", "127.0.0.1", "-p", str(port), *quick, *options]
        place = Persistence(
            driver="postgres", name="postgres", host="127.0.0.1", port=port, user="identra"
        )
        yield place, Machine("PostgreSQL", command, account, lambda: _serves(place), signal.SIGINT)


@contextmanager
def mysql(*options: str, certificate: Path | None = None) -> Iterator[Persistence]:
    """A MariaDB server, or what the URL names, in which databases can be made."""
    if (url := os.environ.get("IDENTRA_TEST_MYSQL_URL")) and not options and not certificate:
        yield _place(url)
        return
    with mysql_machine(*options, certificate=certificate) as (place, machine), machine.up():
        yield place


@contextmanager
def mysql_machine(
    *options: str, certificate: Path | None = None, at: Path | None = None
) -> Iterator[tuple[Persistence, Machine]]:
    """An installed MariaDB server of the test's own that does not run yet."""
    program = shutil.which("mariadbd", path=SYSTEM) or shutil.which("mysqld", path=SYSTEM)
    install = shutil.which("mariadb-install-db", path=SYSTEM)
    if not program or not install:
        missing("MariaDB")
    with directory(at) as (home, account):
        # A starting server removes every temporary table in its tmpdir, a neighbour's too.
        plain = ["--no-defaults", f"--datadir={home}/data", f"--tmpdir={home}"]
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
            file = own(certificate, home, account)
            command += [f"--ssl-cert={file}", f"--ssl-key={file}"]
        yield place, Machine("MariaDB", command, account, lambda: _serves(place))


@contextmanager
def mysql_at_rest(
    *options: str,
) -> Iterator[tuple[Persistence, Callable[[], AbstractContextManager[None]]]]:
    """An installed MariaDB server that does not run yet, and how to have it run for a while."""
    with mysql_machine(*options) as (place, machine):
        yield place, machine.up


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


def _serves(place: Persistence) -> bool:
    try:
        asyncio.run(tell(place, "SELECT 1"))
    except (OSError, asyncpg.PostgresError, MySQLError):
        return False
    return True


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
