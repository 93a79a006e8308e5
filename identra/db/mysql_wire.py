"""One connection to a MySQL or MariaDB server: reached, settled, kept in step or given up.

Every statement is prepared by the server, so that values never become part of its text, and
every value travels as text: the server would compare words with a number as numbers, and find
that `token = 0` is true of most words. Where SQL needs a number of a value, it says CAST.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeVar

import asyncmy
from asyncmy.constants import CLIENT
from asyncmy.errors import MySQLError, OperationalError

from identra.errors import Internal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from identra.db.statement import Row

Dialect: TypeAlias = Literal["mysql", "mariadb"]
T = TypeVar("T")

CONNECT = 2.0
STATEMENT = 2.0
PATIENCE = 60.0
MARGIN = 0.25
"""What the server gets beyond its own limit to say that the limit is over."""
PREPARED = 100

USUAL_PORT = 3306
OLDEST: Final[dict[Dialect, tuple[int, ...]]] = {"mariadb": (10, 6), "mysql": (8, 0, 17)}
COLLATION: Final[dict[Dialect, str]] = {
    "mariadb": "utf8mb4_nopad_bin",
    "mysql": "utf8mb4_0900_bin",
}
"""Compares bytes, trailing spaces included."""

MODES = frozenset(
    {
        "ANSI_QUOTES",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "NO_BACKSLASH_ESCAPES",
        "NO_ENGINE_SUBSTITUTION",
        "NO_ZERO_DATE",
        "NO_ZERO_IN_DATE",
        "ONLY_FULL_GROUP_BY",
        "PIPES_AS_CONCAT",
        "STRICT_ALL_TABLES",
    }
)
"""Standard SQL as the other databases read it, and nothing bent to fit."""

_LIMIT: Final[dict[Dialect, str]] = {
    "mariadb": "max_statement_time = {seconds}",
    "mysql": "max_execution_time = {seconds}000",
}
_WAITS = "innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
_SETTLED = {
    "time_zone": "+00:00",
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "character_set_results": "utf8mb4",
    "autocommit": "ON",
    "isolation": "READ-COMMITTED",
}
_ASKING = (
    "SHOW SESSION VARIABLES WHERE Variable_name IN ('version', 'sql_mode', 'time_zone',"
    " 'character_set_client', 'character_set_connection', 'character_set_results', 'autocommit',"
    " 'transaction_isolation', 'tx_isolation')"
)

ACCESS_DENIED, INSECURE, NO_TLS = 1045, 3159, 2026
_ELSEWHERE = frozenset({1047, 1243, 1290, 1615, 1836})
"""Not in a quorum, read-only, statements forgotten: another connection may do better."""


class Unfit(Exception):
    """The server can't keep what Identra promises; its text is one line for the operator."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is and how it is reached: `attempts` in order, None without TLS."""

    host: str
    port: int | None
    user: str | None
    password: str | None = field(repr=False)
    database: str
    attempts: tuple[ssl.SSLContext | None, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows by column name, and how many were found or changed."""

    rows: list[Row]
    affected: int


class Wire:
    """A settled connection, for one caller at a time.

    Whatever leaves its two ends out of step, a cancelled caller first of all, hangs up.
    """

    def __init__(self, connection: Any, dialect: Dialect) -> None:
        self.dialect = dialect
        self._connection = connection
        self._prepared: dict[str, Any] = {}

    @property
    def usable(self) -> bool:
        """Whether it is open at both ends as far as is known."""
        return not self._connection._stream_broken  # noqa: SLF001 - asked nowhere else without a trip

    async def run(self, sql: str, args: Sequence[Any], limit: float = STATEMENT) -> Answer:
        """Run one statement. Raises MySQLError, OSError or TimeoutError."""
        values = tuple(map(as_text, args))
        return await self._keep_step(self._execute(sql, values), limit)

    async def begin(self, *, patient: bool) -> None:
        """Open a transaction; a patient one puts the server's limits off for good."""
        if patient:
            await self._limit(0, int(PATIENCE))
        await self._keep_step(self._connection.begin(), STATEMENT)

    async def commit(self, limit: float) -> None:
        """Make the open transaction last."""
        await self._keep_step(self._connection.commit(), limit)

    async def rollback(self) -> None:
        """Undo the open transaction."""
        await self._keep_step(self._connection.rollback(), STATEMENT)

    async def settle(self) -> None:
        """Set the session up and look whether it took. Raises Unfit."""
        await self.run(
            f"SET SESSION sql_mode = '{','.join(sorted(MODES))}', time_zone = '+00:00'", ()
        )
        await self.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", ())
        await self._limit(int(STATEMENT), int(STATEMENT))
        found = await self.run(_ASKING, ())
        demand_settled(self.dialect, {row["Variable_name"]: row["Value"] for row in found.rows})

    def drop(self) -> None:
        """Hang up; the server undoes what was open."""
        self._connection.close()

    async def close(self) -> None:
        """Say goodbye and hang up."""
        try:
            async with asyncio.timeout(MARGIN):
                await self._connection.ensure_closed()
        except (OSError, TimeoutError, MySQLError):
            self.drop()

    async def _limit(self, statement: int, lock: int) -> None:
        limit = _LIMIT[self.dialect].format(seconds=statement)
        await self.run(f"SET SESSION {limit}, {_WAITS.format(seconds=lock)}", ())

    async def _execute(self, sql: str, values: tuple[str | None, ...]) -> Answer:
        statement = self._prepared.pop(sql, None) or await self._connection.prepare(sql)
        self._prepared[sql] = statement
        if len(self._prepared) > PREPARED:
            await self._prepared.pop(next(iter(self._prepared))).close()
        result = await statement.execute(values)
        names = [column[0] for column in result.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in result.rows or ()]
        return Answer(rows, result.affected_rows)

    async def _keep_step(self, work: Awaitable[T], limit: float) -> T:
        try:
            async with asyncio.timeout(limit + MARGIN):
                return await work
        except BaseException as error:
            if not in_step(error):
                self.drop()
            raise


def in_step(error: BaseException) -> bool:
    """Whether it is the server's own word on a statement, and not its last."""
    # Only what the server itself says carries a state; the rest is asyncmy's, and in between.
    return (
        isinstance(error, MySQLError)
        and error.sqlstate is not None
        and error.args[0] not in _ELSEWHERE
    )


def as_text(value: Any) -> str | None:
    """A value as it travels. Raises Internal for what is neither words nor a number."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(int(value))
    raise Internal(f"mysql: a {type(value).__name__} can't travel")


def demand_settled(dialect: Dialect, found: dict[str, str]) -> None:
    """Raise Unfit unless the session is as it was set up, on a server new enough."""
    version = tuple(int(part) for part in re.findall(r"\d+", found["version"])[:3])
    if version < OLDEST[dialect]:
        needed = ".".join(map(str, OLDEST[dialect]))
        raise Unfit(f"the server is {found['version']}; Identra needs {dialect} {needed} or newer")
    if missing := MODES - set(found["sql_mode"].split(",")):
        raise Unfit(f"sql_mode did not take {', '.join(sorted(missing))}: {_PROXY}")
    isolation = found.get("transaction_isolation") or found.get("tx_isolation", "")
    for name, wanted in _SETTLED.items():
        value = isolation if name == "isolation" else found[name]
        if value != wanted:
            raise Unfit(f"{name} is {value} and did not take {wanted}: {_PROXY}")


_PROXY = "a proxy before the server must keep what a session sets"


async def connect(place: Place) -> Wire:
    """Reach and settle, within CONNECT seconds. Raises MySQLError, OSError, TimeoutError, Unfit."""
    async with asyncio.timeout(CONNECT):
        connection = await _reach(place)
        dialect: Dialect = "mariadb" if "MariaDB" in connection.get_server_info() else "mysql"
        wire = Wire(connection, dialect)
        try:
            await wire.settle()
        except BaseException:
            wire.drop()
            raise
        return wire


async def _reach(place: Place) -> Any:
    *first, last = place.attempts
    for tls in first:
        try:
            return await _attempt(place, tls)
        except MySQLError as error:
            if not _for_want_of_the_other(error, tls):
                raise
    try:
        return await _attempt(place, last)
    except MySQLError as error:
        if isinstance(error.__cause__, ssl.SSLError):
            said = f"no TLS with the server, as persistence.sslmode asks: {error.__cause__}"
            raise OperationalError(NO_TLS, said) from error
        raise


def _for_want_of_the_other(error: MySQLError, tls: ssl.SSLContext | None) -> bool:
    """Whether the server refused to be spoken to without TLS, or with it."""
    if tls is None:
        return error.args[0] in {ACCESS_DENIED, INSECURE}
    return isinstance(error.__cause__, ssl.SSLError)


async def _attempt(place: Place, tls: ssl.SSLContext | None) -> Any:
    reach: Any = asyncmy.connect
    local = place.host.startswith("/")
    return await reach(
        host=None if local else place.host,
        unix_socket=place.host if local else None,
        port=place.port or USUAL_PORT,
        user=place.user,
        password=(place.password or "").encode(),
        database=place.database,
        ssl=None if local else tls,
        autocommit=True,
        connect_timeout=CONNECT,
        client_flag=CLIENT.FOUND_ROWS,  # an update counts what it matched, as elsewhere
        program_name="identra",
        auth_plugin_map=dict.fromkeys(_IN_CLEAR, _Refusal),
    )


class _Refusal:
    """What the server gets for asking for the password as it is, or hashed too weakly."""

    def __init__(self, _connection: Any) -> None:
        pass

    def authenticate(self, _packet: Any) -> None:
        raise OperationalError(2059, "the server asks for the password in clear; it was not sent")


_IN_CLEAR = ("mysql_clear_password", "dialog", "mysql_old_password")
