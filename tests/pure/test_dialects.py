"""What each database is told, where no server of its kind is needed to see it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from identra.db.binding import Binding
from identra.db.engine import Database
from identra.db.migrations import LEDGER, STEPS
from identra.db.mysql import Mysql
from identra.db.mysql_wire import COLLATION, MODES, Unfit, as_text, demand_settled
from identra.db.overtaken import Overtaken
from identra.db.postgres import Postgres, translated
from identra.db.schema import Shape, instant, statements, text, words
from identra.db.sqlite import Sqlite
from identra.db.upsert import keep, tally
from identra.errors import Internal

if TYPE_CHECKING:
    from collections.abc import Sequence

DIALECTS = ("sqlite", "postgres", "cockroach", "mysql", "mariadb")
SHAPES = [LEDGER, *(c for step in STEPS for c in step.changes if isinstance(c, Shape))]
PETS = Shape(
    "pets",
    (words("name", 20), words("user_id", null=True), text("story"), instant("born")),
    unique=(("user_id", "born"),),
    indexes=("born",),
    belongs_to="users",
)
_OWNER = 'FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON DELETE CASCADE'


class Heard:
    """An engine that runs nothing and keeps what it was told."""

    def __init__(self, dialect: str) -> None:
        of_kind: dict[str, Any] = {"sqlite": Sqlite, "mysql": Mysql, "mariadb": Mysql}
        self.dialect = dialect
        self.now = of_kind.get(dialect, Postgres).now
        self.number = of_kind.get(dialect, Postgres).number
        self.said: list[tuple[str, list[Any]]] = []
        self.database = Database(self, _binding(dialect), None)

    async def rows(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        self.said.append((sql, list(args)))
        return []

    async def affected(self, sql: str, args: Sequence[Any]) -> int:
        await self.rows(sql, args)
        return 0

    async def begin(self, *, patient: bool) -> Heard:
        self.patient = patient
        return self

    async def commit(self) -> None:
        self.said.append(("COMMIT", []))

    async def rollback(self) -> None:
        self.said.append(("ROLLBACK", []))

    async def close(self) -> None:
        pass


def _binding(dialect: str) -> Binding:
    if dialect in {"mysql", "mariadb"}:
        return Binding("sqlite", 3.0)
    return Binding(dialect, 3.4 if dialect == "sqlite" else 16.0)


def test_postgresql_and_cockroachdb_differ_in_the_one_word_that_cockroachdb_lacks() -> None:
    table, index = statements("cockroach", PETS)
    assert table == (
        'CREATE TABLE IF NOT EXISTS "pets" ("name" VARCHAR(20) NOT NULL, "user_id" VARCHAR(36),'
        ' "story" TEXT NOT NULL, "born" BIGINT NOT NULL, PRIMARY KEY ("name"),'
        f' UNIQUE ("user_id", "born"), {_OWNER})'
    )
    assert index == 'CREATE INDEX IF NOT EXISTS "pets_born" ON "pets" ("born")'
    postgres = [sql.replace(' COLLATE "C"', "") for sql in statements("postgres", PETS)]
    assert postgres == [table, index]


@pytest.mark.parametrize(
    ("dialect", "collation"), [("mysql", "utf8mb4_0900_bin"), ("mariadb", "utf8mb4_nopad_bin")]
)
def test_mysql_and_mariadb_get_innodb_bytes_and_a_table_in_one_statement(
    dialect: str, collation: str
) -> None:
    (table,) = statements(dialect, PETS)
    assert table == (
        'CREATE TABLE IF NOT EXISTS "pets" ("name" VARCHAR(20) NOT NULL, "user_id" VARCHAR(36),'
        ' "story" LONGTEXT NOT NULL, "born" BIGINT NOT NULL, PRIMARY KEY ("name"),'
        f' UNIQUE ("user_id", "born"), INDEX "pets_born" ("born"), {_OWNER})'
        f" ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}"
    )


def test_the_collation_of_the_tables_is_the_one_that_is_looked_for_at_the_start() -> None:
    for dialect, collation in COLLATION.items():
        for shape in SHAPES:
            assert all(sql.endswith(f" COLLATE {collation}") for sql in statements(dialect, shape))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_of_the_schema_may_be_repeated(dialect: str) -> None:
    for shape in SHAPES:
        for sql in statements(dialect, shape):
            assert re.match(r"CREATE (TABLE|INDEX) IF NOT EXISTS ", sql)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_key_fits_the_3072_bytes_of_innodb(shape: Shape) -> None:
    length = {field.name: 4 * field.length or 8 for field in shape.fields}
    keys = [(shape.fields[0].name,), *shape.unique, *((name,) for name in shape.indexes)]
    assert all(sum(length[name] for name in key) <= 3072 for key in keys)


@pytest.mark.parametrize("dialect", ["postgres", "cockroach"])
async def test_counting_is_one_statement_where_rows_are_returned(dialect: str) -> None:
    engine = Heard(dialect)
    await tally(engine.database)(id="k", by=2, life=60)
    ((sql, args),) = engine.said
    assert sql.startswith("INSERT INTO identra_state (id, value, count, expires_at) VALUES ($1,")
    assert " ON CONFLICT (id) DO UPDATE SET " in sql
    assert " RETURNING count AS tally, expires_at - CAST(EXTRACT(EPOCH FROM statement_" in sql
    assert args == ["k", 2, 60]


@pytest.mark.parametrize(
    "failure",
    [asyncpg.SerializationError("restart transaction"), asyncpg.DeadlockDetectedError("deadlock")],
)
def test_a_failed_serialisation_is_to_be_begun_again(failure: Exception) -> None:
    """CockroachDB's way to say that two transactions met."""
    with pytest.raises(Overtaken), translated():
        raise failure


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
async def test_counting_is_one_transaction_where_they_are_not(dialect: str) -> None:
    engine = Heard(dialect)
    await tally(engine.database)(id="k", by=2, life=60)
    (insert, args), (read, _), (end, _) = engine.said
    assert " ON DUPLICATE KEY UPDATE value = '', count = CASE WHEN expires_at > " in insert
    assert insert.index(" count = ") < insert.index(" expires_at = "), "the end is judged last"
    assert insert.count("?") == len(args)
    assert read.startswith("SELECT count AS tally, GREATEST(expires_at - TIMESTAMPDIFF(")
    assert end == "COMMIT"


@pytest.mark.parametrize("dialect", ["mysql", "mariadb"])
async def test_nothing_is_said_to_mysql_that_it_does_not_know(dialect: str) -> None:
    engine = Heard(dialect)
    db = engine.database
    users = db.tables.users
    await keep(db, only_absent=False)(id="k", value="v", life=60)
    await keep(db, only_absent=True)(id="k", value="v", life=60)
    await tally(db)(id="k", by=1, life=60)
    await db.change(users.insert(users(id="a", created_at=1)))
    await db.change(users.delete().where(users.id == "a"))
    await db.instant()
    for sql, _ in engine.said:
        assert not re.search(r"RETURNING|ON CONFLICT|BIGINT|\$\d", sql), sql


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_turned_clock_is_a_number_in_every_dialect(dialect: str) -> None:
    engine = Heard(dialect)
    db = Database(engine, _binding(dialect), lambda: 5)
    await db.instant()
    number = {"mysql": "CAST(? AS SIGNED)", "mariadb": "CAST(? AS SIGNED)"}
    place = "?" if dialect == "sqlite" else "$1"
    ((sql, args),) = engine.said
    assert sql == f"SELECT {number.get(dialect, f'CAST({place} AS BIGINT)')} AS instant"
    assert args == [5]


@pytest.mark.parametrize(
    ("value", "text"), [(None, None), ("0", "0"), (0, "0"), (-(2**63), str(-(2**63))), (True, "1")]
)
def test_values_travel_to_mysql_as_text(value: object, text: str | None) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [0.5, b"bytes", ["list"], object()])
def test_what_has_no_one_spelling_does_not_travel(value: object) -> None:
    with pytest.raises(Internal):
        as_text(value)


SETTLED = {
    "version": "10.11.6-MariaDB-0+deb12u1",
    "sql_mode": ",".join(MODES),
    "time_zone": "+00:00",
    "character_set_client": "utf8mb4",
    "character_set_connection": "utf8mb4",
    "character_set_results": "utf8mb4",
    "autocommit": "ON",
    "tx_isolation": "READ-COMMITTED",
}
MYSQL = SETTLED | {"version": "8.0.40", "transaction_isolation": "READ-COMMITTED"}


def test_a_settled_session_is_taken() -> None:
    demand_settled("mariadb", SETTLED)
    demand_settled("mysql", MYSQL)
    demand_settled("mysql", MYSQL | {"version": "8.4.3"})
    demand_settled("mariadb", SETTLED | {"version": "11.4.2-MariaDB-log"})


@pytest.mark.parametrize("name", [name for name in SETTLED if name != "version"])
def test_any_other_session_is_not(name: str) -> None:
    with pytest.raises(Unfit):
        demand_settled("mariadb", SETTLED | {name: "other"})


@pytest.mark.parametrize(
    ("dialect", "version"),
    [("mariadb", "10.5.20-MariaDB"), ("mysql", "8.0.16"), ("mysql", "5.7.44-log")],
)
def test_an_old_server_is_named(dialect: Any, version: str) -> None:
    with pytest.raises(Unfit, match=re.escape(version)):
        demand_settled(dialect, MYSQL | {"version": version})
