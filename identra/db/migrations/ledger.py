"""The ledger: which steps a database has taken, and which releases can work with it since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra.db.schema import Field, Shape, instant, literal, words
from identra.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.db.engine import Database
    from identra.db.migrations.step import Step

LEDGER = Shape(
    "identra_migrations",
    (
        Field("number", "integer"),
        words("name", 100),
        Field("needs", "integer"),
        instant("applied_at"),
    ),
)
"""Read by every release there will be, so it never changes."""

_POSTGRES = "CAST(EXTRACT(EPOCH FROM statement_timestamp()) * 1000000 AS BIGINT)"
_MYSQL = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))"
_NOW = {
    "sqlite": "CAST(strftime('%s', 'now') AS INTEGER) * 1000000",
    "postgres": _POSTGRES,
    "cockroach": _POSTGRES,
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
}
"""The time as each database tells it to anybody: a plan is also run by other clients than ours."""


class SchemaError(OperatorError):
    """The schema can't be brought to where this release needs it: what is wrong, and what to do.

    Its text is one line for the operator.
    """


@dataclass(frozen=True, slots=True)
class Taken:
    """A row of the ledger."""

    number: int
    name: str
    needs: int

    def __str__(self) -> str:
        return f"{self.number:04} {self.name}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a database is: the steps it lacks, in order, and how far it is beyond this release."""

    pending: tuple[Step, ...]
    newer: Taken | None = None
    """The last step taken, if this release does not know it but can work with it."""


async def read(db: Database) -> list[Taken]:
    """Every step that was taken, in order. The ledger must be there."""
    t = db.tables.migrations
    rows = await db.fetch(t.select(t.number, t.name, t.needs).order_by(t.number))
    return [Taken(**row) for row in rows]


def judge(steps: Sequence[Step], taken: Sequence[Taken]) -> Standing:
    """Compare a release's steps with a database's.

    Raises SchemaError for a history that is another's, and for one that this release is too old
    to work with.
    """
    for number, row in enumerate(taken, start=1):
        known = steps[number - 1].name if number <= len(steps) else row.name
        if (row.number, row.name) != (number, known):
            raise SchemaError(
                f"the database took step {row.number} as {row.name!r} where {known!r} was to be"
                f" step {number}; give Identra a database (persistence.name) of its own"
            )
    beyond = taken[len(steps) :]
    for row in beyond:
        if row.needs > len(steps):
            raise SchemaError(
                f"the database took step {row}, made by a newer release than this one; it works"
                f" with releases that know step {row.needs}, and this one knows {len(steps)}:"
                " start a newer one"
            )
    return Standing(tuple(steps[len(taken) :]), beyond[-1] if beyond else None)


def entry(dialect: str, step: Step) -> str:
    """The statement that notes a step as taken; it fails where somebody else has noted it."""
    return (
        f'INSERT INTO "{LEDGER.name}" ("number", "name", "needs", "applied_at")'  # noqa: S608 - our own words
        f" VALUES ({step.number}, {literal(step.name)}, {step.needs}, {_NOW[dialect]})"
    )
