"""MySQL's and MariaDB's own dangers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from contextvars import Context
from typing import TYPE_CHECKING

import pytest
import servers
import uvloop
from cable import Cable
from piccolo.querystring import QueryString
from pydantic import SecretStr

from identra.db import open_database
from identra.db.migrations import migrate
from identra.errors import OperatorError, StoreUnavailable
from identra.state.database import DatabaseState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeAlias

    from identra.db import Database
    from identra.settings import Persistence

    AtRest: TypeAlias = tuple[Persistence, Callable[[], AbstractContextManager[None]]]

pytestmark = pytest.mark.parametrize("persistence", ["mysql"], indirect=True)

HOSTILE = (
    "--sql-mode=",
    "--default-time-zone=+05:00",
    "--character-set-server=latin1",
    "--collation-server=latin1_swedish_ci",
    "--default-storage-engine=MyISAM",
    "--transaction-isolation=SERIALIZABLE",
    "--autocommit=0",
    "--wait-timeout=1",
)
"""What no session of ours may inherit."""


async def row_of(db: Database, sql: str) -> dict[str, object]:
    row = await db.first(QueryString(sql))
    assert row
    return row


WAITING = """SELECT (SELECT count(*) FROM information_schema.innodb_trx
WHERE trx_state = 'LOCK WAIT')"""
POLL = 0.2
"""InnoDB shows the same picture again to whoever looks sooner than a tenth of a second."""


async def _until(server: Persistence, asking: str) -> None:
    """Until the server says so."""
    async with asyncio.timeout(20):
        while not next(  # noqa: ASYNC110 - it asks a server, which sends no word by itself
            iter((await servers.tell(server, asking))[0].values())
        ):
            await asyncio.sleep(POLL)


@asynccontextmanager
async def up(at_rest: AtRest) -> AsyncIterator[Persistence]:
    """The server, running for a while."""
    server, start = at_rest
    run = start()
    await asyncio.to_thread(run.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(run.__exit__, None, None, None)


@pytest.fixture(scope="module")
def at_rest() -> Iterator[AtRest]:
    with servers.mysql_at_rest(*HOSTILE) as server:
        yield server


async def test_a_session_inherits_nothing_of_the_servers_defaults(
    persistence: Persistence,
    at_rest: AtRest,
) -> None:
    async with up(at_rest) as server:
        await servers.tell(server, "CREATE DATABASE hostile")
        db = await open_database(server.model_copy(update={"name": "hostile"}))
        assert await migrate(db)
        assert abs(await db.instant() - time.time_ns() // 1000) < 60_000_000
        users = db.tables.users
        await db.change(users.insert(users(id="naïve €😀", created_at=1)))
        assert await db.fetch(users.select(users.id)) == [{"id": "naïve €😀"}]
        tables = await db.fetch(
            QueryString(
                "SELECT DISTINCT engine AS engine, table_collation AS words"
                " FROM information_schema.tables WHERE table_schema = DATABASE()"
            )
        )
        assert tables == [{"engine": "InnoDB", "words": "utf8mb4_nopad_bin"}]
        await _outlive_the_servers_patience(server, db)
        await db.close()


async def _outlive_the_servers_patience(server: Persistence, db: Database) -> None:
    """`wait_timeout` is a second there: the server hangs up on an idle connection."""
    connected = "SELECT count(*) FROM information_schema.processlist WHERE db = 'hostile'"
    await _until(server, f"SELECT ({connected}) = 0 AS gone")
    await asyncio.gather(*(db.ping() for _ in range(5)))


async def test_a_restarted_server_is_found_again_with_everything_it_acknowledged(
    persistence: Persistence,
    at_rest: AtRest,
) -> None:
    async with up(at_rest) as server:
        await servers.tell(server, "CREATE DATABASE restarted")
        db = await open_database(server.model_copy(update={"name": "restarted"}))
        await migrate(db)
        users = db.tables.users
        await db.change(users.insert(users(id="a", created_at=1)))
    with pytest.raises(StoreUnavailable):
        await db.ping()
    async with up(at_rest):
        assert await db.fetch(users.select(users.id)) == [{"id": "a"}]
    await db.close()


def in_place_of(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    assert len(old) == len(new)
    return lambda data: data.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"STRICT_ALL_TABLES", b"NO_DIR_IN_CREATE,", "STRICT_ALL_TABLES"),
        (b"'+00:00'", b"'+01:00'", "time_zone"),
        (b"READ COMMITTED", b"SERIALIZABLE  ", "READ-COMMITTED"),
    ],
)
async def test_a_session_that_did_not_take_what_was_set_is_refused(
    persistence: Persistence, old: bytes, new: bytes, said: str
) -> None:
    """As behind a proxy that shares sessions: nothing starts on bent rules."""
    rewrite = in_place_of(old, new)
    async with Cable.to(persistence.host, persistence.port or 0, rewrite=rewrite) as cable:
        place = persistence.model_copy(update={"port": cable.port, "sslmode": "disable"})
        with pytest.raises(OperatorError, match=said) as caught:
            await open_database(place)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE identra_events ENGINE = MyISAM", r"identra_events is MyISAM"),
        (
            "ALTER TABLE identra_state MODIFY id VARCHAR(128) COLLATE utf8mb4_general_ci NOT NULL",
            r"identra_state\.id is utf8mb4_general_ci",
        ),
    ],
)
async def test_tables_that_compare_or_undo_otherwise_are_refused(
    persistence: Persistence, change: str, said: str
) -> None:
    await servers.tell(persistence, change)
    with pytest.raises(OperatorError, match=said) as caught:
        await open_database(persistence)
    assert "\n" not in str(caught.value)


async def test_a_lone_statement_that_was_undone_is_run_again(persistence: Persistence) -> None:
    """The victim of a deadlock is whoever has changed less."""
    db = await open_database(persistence)
    users = db.tables.users
    names = "abcdefgh"
    await db.change(users.insert(*(users(id=name, created_at=0) for name in names)))

    def more(*names: str) -> object:
        counted = users.update({users.created_at: users.created_at + 1})
        return counted.where(users.id.is_in(list(names)))

    async with db.transaction():
        await db.change(more(*names[1:]))
        lone = asyncio.get_running_loop().create_task(db.change(more("a", "h")), context=Context())
        await _until(persistence, f"{WAITING} = 1")
        await db.change(more("a"))
    assert await lone == 2
    rows = await db.fetch(users.select(users.created_at).order_by(users.id))
    assert [row["created_at"] for row in rows] == [2, *[1] * 6, 2]
    await db.close()


async def test_a_row_held_too_long_is_unavailable_and_the_connection_stays(
    persistence: Persistence,
) -> None:
    db = await open_database(persistence)
    users = db.tables.users
    await db.change(users.insert(users(id="a", created_at=0)))
    change = users.update({users.created_at: 1}).where(users.id == "a")
    async with db.transaction():
        await db.change(change)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await asyncio.get_running_loop().create_task(db.change(change), context=Context())
        assert time.monotonic() - began < 4
    assert await db.change(change) == 1
    await db.close()


async def test_a_patient_transaction_leaves_its_patience_to_nobody(
    persistence: Persistence,
) -> None:
    db = await open_database(persistence)
    asking = "SELECT @@max_statement_time AS seconds"
    async with db.transaction(patient=True):
        assert (await row_of(db, asking))["seconds"] == 0
    for _ in range(3):
        assert (await row_of(db, asking))["seconds"] == 2
    await db.close()


async def test_a_named_lock_ends_with_the_migration(persistence: Persistence) -> None:
    db = await open_database(persistence)
    async with db.transaction(patient=True):
        assert await row_of(db, "SELECT GET_LOCK('ours', 0) AS had") == {"had": 1}
        held = "SELECT IS_FREE_LOCK('ours') AS free"
        assert (await servers.tell(persistence, held))[0]["free"] == 0
    await _until(persistence, held)
    await db.close()


async def test_one_call_runs_one_statement(persistence: Persistence) -> None:
    db = await open_database(persistence)
    with pytest.raises(StoreUnavailable):
        await db.change(QueryString("SELECT 1; DELETE FROM identra_users"))
    await db.close()


async def test_signs_of_every_syntax_are_only_words_within_a_value(
    persistence: Persistence,
) -> None:
    db = await open_database(persistence)
    users = db.tables.users
    for name in (
        "%s",
        "100%",
        "?",
        "\\",
        "\\'",
        "'",
        '"',
        "--",
        "; DROP TABLE identra_users",
        "\0",
    ):
        await db.change(users.insert(users(id=name, created_at=1)))
        assert await db.fetch(users.select(users.id).where(users.id == name)) == [{"id": name}]
    backslash = await row_of(db, r"SELECT '\' AS one, 'a' || 'b' AS joined")
    assert backslash == {"one": "\\", "joined": "ab"}, "literals read as everywhere else"
    await db.close()


async def test_a_wrong_password_is_said_in_one_line(persistence: Persistence) -> None:
    wrong = persistence.model_copy(update={"user": "stranger", "password": SecretStr("hush€")})
    with pytest.raises(StoreUnavailable, match=r"Access denied.*stranger") as caught:
        await open_database(wrong)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_a_password_may_have_any_letters(persistence: Persistence) -> None:
    await servers.tell(persistence, "CREATE USER poly@localhost IDENTIFIED BY 'пароль€'")
    try:
        await servers.tell(persistence, f"GRANT ALL ON {persistence.name}.* TO poly@localhost")
        secret = SecretStr("пароль€")
        db = await open_database(
            persistence.model_copy(update={"user": "poly", "password": secret})
        )
        await db.ping()
        await db.close()
    finally:
        await servers.tell(persistence, "DROP USER poly@localhost")


async def test_a_server_that_says_nothing_is_given_up_in_time(persistence: Persistence) -> None:
    async with Cable.to(persistence.host, persistence.port or 0) as cable:
        cable.deaden()
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="no answer came in time"):
            await open_database(persistence.model_copy(update={"port": cable.port}))
        assert time.monotonic() - began < 4


async def test_counting_belongs_in_no_transaction(persistence: Persistence) -> None:
    db = await open_database(persistence)

    async def count() -> None:
        async with db.transaction():
            await DatabaseState(db).count("k", ttl=60)

    with pytest.raises(RuntimeError, match="nest"):
        await count()
    await db.close()


def test_it_works_on_the_loop_that_serves(persistence: Persistence) -> None:
    async def use() -> None:
        db = await open_database(persistence)
        state = DatabaseState(db)
        counts = await asyncio.gather(*(state.count("k", ttl=60) for _ in range(20)))
        assert sorted(count.value for count in counts) == list(range(1, 21))
        asking = asyncio.create_task(db.fetch(QueryString("SELECT SLEEP(1)")))
        await asyncio.sleep(0.05)
        asking.cancel()
        await db.ping()
        await db.close()

    uvloop.run(use())


WITHOUT = """
import asyncio, sys
sys.modules["asyncmy"] = None
from identra.db import open_database
from identra.errors import OperatorError
from identra.settings import Persistence
try:
    asyncio.run(open_database(Persistence(driver="mysql", name="identra")))
except OperatorError as error:
    print(error)
"""


def test_a_missing_driver_package_is_named_with_the_remedy(persistence: Persistence) -> None:
    said = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True
    ).stdout
    assert said == (
        "persistence.driver: mysql needs the package asyncmy, which is not installed;"
        " run `pip install asyncmy`\n"
    )
