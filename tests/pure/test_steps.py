"""A step of the schema: how it is written for each database, and whom it leaves working."""

from __future__ import annotations

import pytest
from nextrelease import AFTER_NEXT, CONTRACTS, EXPANDS, NEXT

from identra.db.migrations import STEPS, SchemaError, Step
from identra.db.migrations.ledger import Taken, judge
from identra.db.schema import (
    Change,
    Column,
    Field,
    Fill,
    Index,
    NoColumn,
    NoIndex,
    NoTable,
    Shape,
    instant,
    parts,
    statements,
    text,
    words,
)

DIALECTS = ("sqlite", "postgres", "cockroach", "mysql", "mariadb")
LONGEST_NAME = 63
"""PostgreSQL cuts a longer one off."""

ONCE = Index("pets", ("name", "born"), unique=True)
WRITTEN: list[tuple[Change, dict[str, str]]] = [
    (
        Column("pets", words("food", 9, default="it's")),
        {
            "sqlite": 'ALTER TABLE "pets" ADD COLUMN "food" VARCHAR(9) COLLATE BINARY NOT NULL'
            " DEFAULT 'it''s' CHECK (length(\"food\") <= 9)",
            "postgres": 'ALTER TABLE "pets" ADD COLUMN IF NOT EXISTS "food" VARCHAR(9)'
            " COLLATE \"C\" NOT NULL DEFAULT 'it''s'",
            "cockroach": 'ALTER TABLE "pets" ADD COLUMN IF NOT EXISTS "food" VARCHAR(9) NOT NULL'
            " DEFAULT 'it''s'",
            "mysql": "ALTER TABLE \"pets\" ADD COLUMN \"food\" VARCHAR(9) NOT NULL DEFAULT 'it''s'",
            "mariadb": 'ALTER TABLE "pets" ADD COLUMN IF NOT EXISTS "food" VARCHAR(9) NOT NULL'
            " DEFAULT 'it''s'",
        },
    ),
    (
        Column("pets", text("story", default="")),
        {
            "postgres": 'ALTER TABLE "pets" ADD COLUMN IF NOT EXISTS "story" TEXT NOT NULL'
            " DEFAULT ''",
            "mysql": 'ALTER TABLE "pets" ADD COLUMN "story" LONGTEXT NOT NULL DEFAULT (\'\')',
        },
    ),
    (
        Column("pets", instant("born", null=True)),
        {
            "sqlite": 'ALTER TABLE "pets" ADD COLUMN "born" BIGINT',
            "mariadb": 'ALTER TABLE "pets" ADD COLUMN IF NOT EXISTS "born" BIGINT',
        },
    ),
    (
        ONCE,
        {
            "sqlite": "CREATE UNIQUE INDEX IF NOT EXISTS"
            ' "pets_name_born_once" ON "pets" ("name", "born")',
            "mysql": 'CREATE UNIQUE INDEX "pets_name_born_once" ON "pets" ("name", "born")',
        },
    ),
    (
        Fill("pets", "food", '"name"'),
        dict.fromkeys(DIALECTS, 'UPDATE "pets" SET "food" = "name" WHERE "food" IS NULL'),
    ),
    (NoTable("pets"), dict.fromkeys(DIALECTS, 'DROP TABLE IF EXISTS "pets"')),
    (
        NoColumn("pets", "food"),
        {
            "sqlite": 'ALTER TABLE "pets" DROP COLUMN "food"',
            "postgres": 'ALTER TABLE "pets" DROP COLUMN IF EXISTS "food"',
            "cockroach": 'ALTER TABLE "pets" DROP COLUMN IF EXISTS "food"',
            "mysql": 'ALTER TABLE "pets" DROP COLUMN "food"',
            "mariadb": 'ALTER TABLE "pets" DROP COLUMN IF EXISTS "food"',
        },
    ),
    (
        NoIndex(ONCE),
        {
            "sqlite": 'DROP INDEX IF EXISTS "pets_name_born_once"',
            "postgres": 'DROP INDEX IF EXISTS "pets_name_born_once"',
            "cockroach": 'DROP INDEX IF EXISTS "pets_name_born_once" CASCADE',
            "mysql": 'DROP INDEX "pets_name_born_once" ON "pets"',
            "mariadb": 'DROP INDEX IF EXISTS "pets_name_born_once" ON "pets"',
        },
    ),
]


@pytest.mark.parametrize(
    ("change", "dialect", "sql"),
    [(change, dialect, sql) for change, told in WRITTEN for dialect, sql in told.items()],
)
def test_a_change_is_one_statement_of_each_dialect(change: Change, dialect: str, sql: str) -> None:
    assert statements(dialect, change) == (sql,)


@pytest.mark.parametrize("field", [words("name", 9), text("story"), instant("born")])
def test_a_column_that_rows_of_the_release_before_could_not_have_is_refused(field: Field) -> None:
    with pytest.raises(ValueError, match=r"may be null or has a default"):
        Column("pets", field)


@pytest.mark.parametrize("steps", [STEPS, AFTER_NEXT], ids=["ours", "the next ones"])
def test_steps_leave_working_whom_they_can(steps: tuple[Step, ...]) -> None:
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    needs = 1
    for step in steps:
        assert needs <= step.needs <= max(1, step.number - 1), "the release before works on"
        assert (step.needs > needs) == step.contracts, "only removing leaves anybody behind"
        needs = step.needs
        assert not step.contracts or not any(isinstance(one, Fill) for one in step.changes)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_name_is_ours_and_short_enough(dialect: str) -> None:
    for step in STEPS:
        for part in (part for change in step.changes for part in parts(dialect, change)):
            assert part.table.startswith("identra_"), "else the catalogue does not see it"
            assert len(part.table) <= LONGEST_NAME
            assert not isinstance(part, Index) or len(part.name) <= LONGEST_NAME
            assert not isinstance(part, Shape) or part.fields


def rows(*steps: Step) -> list[Taken]:
    return [Taken(step.number, step.name, step.needs) for step in steps]


@pytest.mark.parametrize(
    ("knows", "taken", "pending", "newer"),
    [
        (STEPS, (), STEPS, None),
        (STEPS, STEPS, (), None),
        (NEXT, STEPS, (EXPANDS,), None),
        (STEPS, NEXT, (), EXPANDS),
        (NEXT, AFTER_NEXT, (), CONTRACTS),
        (AFTER_NEXT, AFTER_NEXT, (), None),
    ],
)
def test_a_release_meets_a_ledger(
    knows: tuple[Step, ...], taken: tuple[Step, ...], pending: tuple[Step, ...], newer: Step | None
) -> None:
    found = judge(knows, rows(*taken))
    assert found.pending == pending
    assert str(found.newer) == str(newer)


LATER = Taken(CONTRACTS.number + 1, "later", 1)


@pytest.mark.parametrize(
    ("knows", "taken", "says"),
    [
        (STEPS, rows(*AFTER_NEXT), "made by a newer release"),
        (STEPS, [*rows(*AFTER_NEXT), LATER], "made by a newer release"),
        (STEPS, rows(*STEPS, CONTRACTS), "a database .* of its own"),
        (STEPS, [Taken(1, "another's", 1)], "a database .* of its own"),
        (NEXT, [*rows(*STEPS), Taken(EXPANDS.number, "another's", 1)], "a database .* of its own"),
    ],
)
def test_a_release_does_not_work_with_what_it_does_not_know(
    knows: tuple[Step, ...], taken: list[Taken], says: str
) -> None:
    with pytest.raises(SchemaError, match=says):
        judge(knows, taken)
