"""What a subject can't be faster than: the SQL, the signature, the hash by themselves.

Each runs for some seconds in a process of its own and gives how many it did a second.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import asyncpg
import uvloop
from argon2 import PasswordHasher
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from identra.settings import Persistence, SettingsTree

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CLAIMS = b"x" * 600
"""About as long as what is signed of an access token."""

READ = "SELECT * FROM identra_sessions WHERE id = {0}"
ADVANCE = (
    "UPDATE identra_sessions SET generation = generation + 1, last_used_at = {1}, advances = {2}"
    " WHERE id = {0} AND revoked_at IS NULL"
)
ADVANCES = " ".join(["1700000000000000"] * 16)


def sign_rs256(seconds: float, threads: int) -> float:
    """RSASSA-PKCS1-v1_5 with SHA-256 and a key of 2048 bits."""
    key = rsa.generate_private_key(65537, 2048)
    return _side_by_side(
        seconds, [lambda: key.sign(CLAIMS, padding.PKCS1v15(), hashes.SHA256())] * threads
    )


def sign_es256(seconds: float, threads: int) -> float:
    """ECDSA with SHA-256 on P-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _side_by_side(seconds, [lambda: key.sign(CLAIMS, ec.ECDSA(hashes.SHA256()))] * threads)


def hash_argon2(seconds: float, threads: int) -> float:
    """argon2id with the parameters that Identra has by default."""
    chosen = SettingsTree().password
    hasher = PasswordHasher(
        time_cost=chosen.argon2_time,
        memory_cost=chosen.argon2_memory_kib,
        parallelism=chosen.argon2_parallelism,
    )
    return _side_by_side(seconds, [lambda: hasher.hash("a password for benchmarks")] * threads)


def refresh_sql(
    seconds: float, place: Persistence, sessions: Sequence[str], connections: int
) -> float:
    """The statements of a refresh, read and compare-and-set, on rows that are nobody's."""
    if place.driver == "sqlite":
        return _refresh_sqlite(seconds, place.name, sessions[:connections])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_refresh_postgres(seconds, place, sessions))


def _refresh_sqlite(seconds: float, file: str, sessions: Sequence[str]) -> float:
    turn = threading.Lock()  # SQLite has one writer; its own waiting would only cost time
    opened = [_open_sqlite(file) for _ in sessions]
    pieces = [
        partial(_refresh_row, connection, session, turn)
        for connection, session in zip(opened, sessions, strict=True)
    ]
    rate = _side_by_side(seconds, pieces)
    for connection in opened:
        connection.close()
    return rate


def _refresh_row(connection: sqlite3.Connection, session: str, turn: threading.Lock) -> None:
    connection.execute(READ.format("?"), (session,)).fetchall()
    with turn:
        connection.execute(ADVANCE.format("?1", "?2", "?3"), (session, 1, ADVANCES))


def _open_sqlite(file: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


async def _refresh_postgres(seconds: float, place: Persistence, sessions: Sequence[str]) -> float:
    password = place.password.get_secret_value() if place.password else None
    where = {"host": place.host, "port": place.port, "user": place.user, "database": place.name}
    opened = [await asyncpg.connect(**where, password=password) for _ in sessions]
    began = time.perf_counter()
    until = began + seconds
    done = await asyncio.gather(
        *(_refresh_until(until, c, s) for c, s in zip(opened, sessions, strict=True))
    )
    rate = sum(done) / (time.perf_counter() - began)
    for connection in opened:
        await connection.close()
    return rate


async def _refresh_until(until: float, connection: Any, session: str) -> int:
    read, advance = READ.format("$1"), ADVANCE.format("$1", "$2", "$3")
    done = 0
    while time.perf_counter() < until:
        await connection.fetchrow(read, session)
        await connection.execute(advance, session, 1, ADVANCES)
        done += 1
    return done


def _side_by_side(seconds: float, work: Sequence[Callable[[], object]]) -> float:
    """How many a second, by as many threads as there are pieces of work."""
    began = time.perf_counter()
    until = began + seconds

    def repeat(piece: Callable[[], object]) -> int:
        done = 0
        while time.perf_counter() < until:
            piece()
            done += 1
        return done

    with ThreadPoolExecutor(len(work)) as threads:
        done = sum(threads.map(repeat, work))
    return done / (time.perf_counter() - began)
